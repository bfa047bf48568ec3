import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { ServerError } from "../errors.js";

/** A certificate chain and its private key, both PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Look at the files before the native module does, which only says that something did not go well.
 * @returns what there is to warn of
 * @throws ServerError `tls_invalid`; nothing of the key is in it
 */
export function checkTlsFiles({ certificate, key }: TlsFiles, now: Date = new Date()): string[] {
  const leaf = attempt(`the certificate ${certificate}`, () => new X509Certificate(readFileSync(certificate)));
  const secret = attempt(`the private key ${key}`, () => createPrivateKey(readFileSync(key)));
  if (!leaf.checkPrivateKey(secret))
    throw invalid(`the private key ${key} is not that of the certificate ${certificate}`);
  if (new Date(leaf.validTo) <= now) throw invalid(`the certificate ${certificate} ended at ${leaf.validTo}`);
  return (statSync(key).mode & 0o077) === 0 ? [] : [`others than its owner may read the private key ${key}`];
}

function attempt<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw invalid(`${what} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function invalid(message: string): ServerError {
  return new ServerError("tls_invalid", message, {
    remedy: "Give --tls-cert a PEM file of the certificate and those that lead to it, and --tls-key its private key.",
  });
}
