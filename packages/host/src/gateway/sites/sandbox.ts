/**
 * Keeps pages below a host name that Lever itself uses from the origin of that name: they can neither read what others store
 * there nor call with the rights of their reader.
 */
export const SANDBOX: string =
  "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts allow-top-navigation-by-user-activation";
