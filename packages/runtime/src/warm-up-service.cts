// A service as most are written (CommonJS), for the rehearsal.
declare const exports: Record<string, unknown>;

exports["greet"] = (name: string): string => `Hello, ${name}!`;
