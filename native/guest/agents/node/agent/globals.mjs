/** What Node's REPL has in its global scope beside Node's own: require, module and the built-in modules by name. */
import Module, { builtinModules, createRequire } from "node:module";
import { join } from "node:path";

function defineHidden(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

const builtinNames = builtinModules.filter((name) => !/^_|\//.test(name) && !(name in globalThis));

/** Each is loaded when it is first used, and gives way to a cell's own variable of its name. */
export function installBuiltins() {
  for (const name of builtinNames) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      enumerable: false,
      get() {
        const loaded = process.getBuiltinModule(name);
        defineHidden(name, loaded);
        return loaded;
      },
      set(value) {
        Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: true });
      },
    });
  }
}

export function installGlobals() {
  const directory = process.cwd();
  const module = new Module("<repl>");
  module.filename = join(directory, "<repl>");
  module.paths = Module._nodeModulePaths(directory);
  const require = createRequire(module.filename);
  defineHidden("require", require);
  defineHidden("module", module);
  defineHidden("exports", module.exports);
  installBuiltins();
}
