import { formatCount } from "./units.js";

/** The beginning and the end of a text, and what was left out between them, in words. */
export function clip(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const half = Math.floor(maxChars / 2);
  // A character cut in two at either place becomes a replacement character, and no more.
  const head = text.slice(0, half);
  const tail = text.slice(text.length - half);
  return `${head}\n[${formatCount(text.length - 2 * half)} characters left out]\n${tail}`;
}
