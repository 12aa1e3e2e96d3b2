/**
 * A body up to this size is accepted even when large ones hold all bytes that a host buffers at once. The connections and
 * the calls in flight are limited, which bounds the small bodies.
 */
export const SMALL_BODY_BYTES: number = 16 * 1024;
