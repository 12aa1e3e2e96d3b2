/** The memory that a process reports in place of the machine's, in bytes; undefined outside of an instance. */
export const memoryOfInstance = {
  /** All that the service may use. */
  constrained(): number | undefined {
    const megabytes = Number(process.env["LEVEROS_RAM"]);
    return megabytes > 0 ? megabytes * 1e6 : undefined;
  },

  /** The part that it does not use yet. */
  available(): number | undefined {
    const all = memoryOfInstance.constrained();
    return all === undefined ? undefined : Math.max(0, all - process.memoryUsage.rss());
  },
};
