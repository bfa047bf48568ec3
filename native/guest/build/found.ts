/** Finished artefacts by what is in them: what a snapshot's digests stand for. */
import type { HomeLayout } from "./home.js";
import { KERNEL_IMAGE } from "./kernel/artefact.js";
import type { Manifest } from "./manifest.js";
import { ROOT_IMAGE } from "./root/artefact.js";
import { ArtefactStore } from "./store.js";

/** A root image that is kept. */
export interface RootImage {
  readonly manifest: Manifest;
  readonly bytes: number;
}

/** The root image with this SHA-256, hex, if it is still kept. */
export async function findRootImage(layout: HomeLayout, digest: string): Promise<RootImage | undefined> {
  const manifest = await findByFile(new ArtefactStore(layout.root), ROOT_IMAGE, digest);
  const bytes = manifest?.files[ROOT_IMAGE]?.bytes;
  return manifest === undefined || bytes === undefined ? undefined : { manifest, bytes };
}

/** What the kernel with this SHA-256, hex, was made of, if it is one of ours and still kept. */
export async function findKernel(layout: HomeLayout, digest: string): Promise<Manifest | undefined> {
  return findByFile(new ArtefactStore(layout.kernel), KERNEL_IMAGE, digest);
}

async function findByFile(store: ArtefactStore, name: string, digest: string): Promise<Manifest | undefined> {
  return (await store.list()).find(({ manifest }) => manifest.files[name]?.sha256 === digest)?.manifest;
}
