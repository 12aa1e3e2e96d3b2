/** The file descriptor at which a child process of the host finds its link. */
export const LINK_FD = 3;

/**
 * Largest message on a link between the host and a program of Lever's own. The sending side enforces its own, lower
 * limits; this one bounds what a fault of Lever's can make the receiving side buffer.
 */
export const LINK_MESSAGE_BYTES_MAX: number = 256 * 1024 * 1024;
