/** The part in use of msgpackr's build without `new Function`, which has no types of its own. */
declare module "msgpackr/index-no-eval" {
  export class Packr {
    constructor(options: {
      useRecords: false;
      variableMapSize: boolean;
      encodeUndefinedAsNil: boolean;
      int64AsType: "number";
    });
    pack(value: unknown): Uint8Array;
    unpack(message: Uint8Array): unknown;
  }
}
