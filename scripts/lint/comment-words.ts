/**
 * Comments are sentences with a subject. A sentence that begins with a clause ("Of a call that …", "What follows …", "Those
 * that …", "Who …", "The same for …") has to be decoded: it starts with its noun instead.
 */
import { type Fault, lineAt, type Repository, type TextFile } from "./repository.ts";

export function commentFaults({ sources }: Pick<Repository, "sources">): readonly Fault[] {
  return sources.flatMap(({ path, text }) =>
    headlessSentences(text).map(({ sentence, index }) => ({
      path,
      line: lineAt(text, index),
      reason: `"${sentence.slice(0, 40)}": begin with the noun`,
    })),
  );
}

const HEADLESS = [
  /^Of\b/,
  /^What\b/,
  /^Who(?:se|ever)?\b/,
  /^Those (?:that|which|who|whose|with|without|of|in|on|by|for|not)\b/,
  /^The same(?:[,.:;]|$| (?:as|for|but|with|in|on|when|of|to|by|from|holds)\b)/,
];

/** Sentences of comments that begin with a clause; `index` is that of their line. */
export function headlessSentences(
  text: string,
): readonly { readonly sentence: string; readonly index: number }[] {
  return commentLines(text).filter(({ sentence }) => {
    if (/\?\s*(?:\*\/)?$/.test(sentence)) return false;
    return HEADLESS.some((pattern) => pattern.test(sentence));
  });
}

/** A line of a block comment, or a line with the start of a comment outside of texts; then the label of a list or promise. */
const COMMENT_LINE =
  /^(?:[ \t]*\*(?!\/)|(?:[^\n"'`]*?[\s;{(,])?(?:\/\*\*?|\/\/))[ \t]+(?:- )?(?:[A-Z]\d\. )?(.*)$/gm;

/** The text of each line of a comment that starts a sentence. */
function commentLines(text: TextFile["text"]): { sentence: string; index: number }[] {
  return [...text.matchAll(COMMENT_LINE)].map(({ 1: sentence = "", index }) => ({
    sentence,
    index,
  }));
}
