/** The key of shortcuts on this machine, as people know it. */
export const modifier: string = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";
