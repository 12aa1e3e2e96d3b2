/** Sources that cannot be transformed. The message is for their author. */
export class TransformError extends Error {}
