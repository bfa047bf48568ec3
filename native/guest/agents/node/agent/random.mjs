/**
 * Math.random() of a generator that each fork seeds: V8's own state was made in the template, is the same in all of
 * them, and cannot be set. Small Fast Counter (Chris Doty-Humphrey, PractRand), 32 bits.
 */
import { syncBuiltinESMExports } from "node:module";
import vm from "node:vm";

const state = new Int32Array(new ArrayBuffer(16));
/** Its words are filled by the addon. */
export const randomState = state;

function next() {
  const sum = (state[0] + state[1] + state[3]) | 0;
  state[3] = (state[3] + 1) | 0;
  state[0] = state[1] ^ (state[1] >>> 9);
  state[1] = (state[2] + (state[2] << 3)) | 0;
  state[2] = (((state[2] << 21) | (state[2] >>> 11)) + sum) | 0;
  return sum;
}

const { random } = {
  random() {
    return ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000;
  },
};

function replaceIn(math) {
  Object.defineProperty(math, "random", { value: random, writable: true, enumerable: false, configurable: true });
}

/** Contexts that cells make have a Math of their own. */
function replaceInNewContexts() {
  const { createContext, Script } = vm;
  const mathOf = new Script("Math");
  vm.createContext = function createContextWithRandom(...args) {
    const context = createContext(...args);
    replaceIn(mathOf.runInContext(context));
    return context;
  };
  // As Node has them, over the one above.
  const contextOptions = (options) => ({
    name: options?.contextName,
    origin: options?.contextOrigin,
    codeGeneration: options?.contextCodeGeneration,
    microtaskMode: options?.microtaskMode,
  });
  const defined = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  Script.prototype.runInNewContext = function runInNewContext(object, options) {
    return this.runInContext(vm.createContext(object, defined(contextOptions(options))), options);
  };
  vm.runInNewContext = function runInNewContext(code, object, options) {
    const given = typeof options === "string" ? { filename: options } : options;
    return new Script(code, given).runInNewContext(object, given);
  };
  syncBuiltinESMExports();
}

export function installRandom() {
  replaceIn(Math);
  replaceInNewContexts();
}
