/**
 * Math.random() of a generator that each fork seeds: V8's own state was made in the template, is the same in all of
 * them, and cannot be set. Small Fast Counter (Chris Doty-Humphrey, PractRand), 32 bits.
 */
import { syncBuiltinESMExports } from "node:module";
import vm from "node:vm";

const state = new Int32Array(4);

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

/** @param {Buffer} seeds at least 12 bytes */
export function seed(seeds) {
  for (let i = 0; i < 3; i++) state[i] = seeds.readInt32LE(4 * i);
  state[3] = 1;
  for (let i = 0; i < 12; i++) next();
}

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
