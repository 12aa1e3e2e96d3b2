const greetings = { en: "Hello", es: "Hola", fr: "Bonjour" } as const;

export type Language = keyof typeof greetings;

/** The person to greet; in English by default. */
export interface Person {
  readonly name: string;
  readonly language?: Language;
}

/** The languages that `greet` supports. */
export async function languages(): Promise<Language[]> {
  return Object.keys(greetings).filter(isLanguage);
}

/** Greets a person in their language. */
export async function greet(person: Person): Promise<string> {
  // Types help authors of callers. At run time, arguments may come from any caller and must be checked.
  if (typeof person?.name !== "string") {
    throw new Error('Cannot greet: there is no name. Try {"name": "Ada"}.');
  }
  const { name, language = "en" } = person;
  if (!isLanguage(language)) throw new Error(`Cannot greet in "${language}".`);
  return `${greetings[language]}, ${name}!`;
}

function isLanguage(text: string): text is Language {
  return Object.hasOwn(greetings, text);
}
