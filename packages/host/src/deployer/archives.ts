/** Archives where every host finds them. The folder of a host has those that it has received or used. */
export interface Archives {
  /** Resolves when the archive survives the loss of this host. */
  store(codeId: string, file: string): Promise<void>;
  /** Writes an archive to a new file. False = there is none with this codeId. */
  fetch(codeId: string, file: string): Promise<boolean>;
}
