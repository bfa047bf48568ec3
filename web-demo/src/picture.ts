import type { MimeBundle } from "@zeroboot/sdk";
import { clip } from "./clip.js";
import { make } from "./dom.js";

const PIXELS = ["image/png", "image/jpeg"] as const;
const MAX_ALT_CHARS = 200;
/** Arguments of one call. */
const CHUNK_BYTES = 0x8000;

/** The picture among a value's forms, if there is one. In an image element no markup of it can do anything. */
export function pictureOf(bundle: MimeBundle): HTMLImageElement | undefined {
  const alt = clip(bundle["text/plain"], MAX_ALT_CHARS);
  for (const type of PIXELS) {
    const bytes = bundle[type];
    if (bytes !== undefined) return make("img", { src: `data:${type};base64,${base64(bytes)}`, alt });
  }
  const svg = bundle["image/svg+xml"];
  if (svg === undefined) return undefined;
  return make("img", { src: `data:image/svg+xml,${encodeURIComponent(svg)}`, alt });
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  }
  return btoa(binary);
}
