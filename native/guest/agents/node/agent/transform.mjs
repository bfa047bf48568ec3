/**
 * From a cell's source to a script of the global scope, in which names can be declared again in later cells:
 *
 *   let, const, class    become global variables, as `var` makes them
 *   await at the top     puts the cell into an async function, out of which its names are declared
 *   import declarations  become import() and assignments
 *
 * Nothing moves to another line, and little to another column, so that stacks show where things are in the cell.
 */
import { parse } from "acorn";

const PARSER = {
  ecmaVersion: "latest",
  sourceType: "script",
  allowAwaitOutsideFunction: true,
  allowImportExportEverywhere: true,
  allowHashBang: true,
};

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression", "StaticBlock"]);

/** Changes to a text, by positions in the original. */
class Edits {
  #edits = [];

  insert(at, text) {
    this.replace(at, at, text);
  }

  replace(start, end, text) {
    this.#edits.push({ start, end, text });
  }

  apply(source) {
    // Of those at one place the first made comes first.
    this.#edits.sort((a, b) => a.start - b.start);
    let result = "";
    let at = 0;
    for (const { start, end, text } of this.#edits) {
      result += source.slice(at, start) + text;
      at = end;
    }
    return result + source.slice(at);
  }

  /** How columns were moved, by 1-based lines and columns of the original, after {@link apply}. */
  shifts(source) {
    return this.#edits
      .map(({ start, end, text }) => {
        const before = source.slice(0, start);
        const line = before.split("\n").length;
        return { line, column: start - before.lastIndexOf("\n"), by: text.length - (end - start) };
      })
      .filter((shift) => shift.by !== 0);
  }
}

function isNode(value) {
  return value !== null && typeof value === "object" && typeof value.type === "string";
}

function* children(node) {
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) yield* value.filter(isNode);
    else if (isNode(value)) yield value;
  }
}

/** All nodes that run with the cell itself, not in a function of it. */
function* ownNodes(node) {
  yield node;
  if (FUNCTIONS.has(node.type)) return;
  // A field's value is computed in a function of its class.
  const inner = node.type === "PropertyDefinition" ? (node.computed ? [node.key] : []) : children(node);
  for (const child of inner) yield* ownNodes(child);
}

/** Names that a pattern binds. */
function* boundNames(pattern) {
  if (pattern === null) return;
  if (pattern.type === "Identifier") yield pattern.name;
  else if (pattern.type === "ObjectPattern") {
    for (const property of pattern.properties) yield* boundNames(property.value ?? property.argument);
  } else if (pattern.type === "ArrayPattern") for (const element of pattern.elements) yield* boundNames(element);
  else if (pattern.type === "AssignmentPattern") yield* boundNames(pattern.left);
  else if (pattern.type === "RestElement") yield* boundNames(pattern.argument);
}

function isAsyncNode(node) {
  return (
    node.type === "AwaitExpression" ||
    node.type === "ImportDeclaration" ||
    (node.type === "ForOfStatement" && node.await) ||
    (node.type === "VariableDeclaration" && node.kind.endsWith("using"))
  );
}

/** Without await: declarations that are made again are all there is to care for. */
function toScript(program) {
  const edits = new Edits();
  for (const node of program.body) {
    if (node.type === "ClassDeclaration") {
      edits.insert(node.start, `var ${node.id.name}=`);
      edits.insert(node.end, ";");
    } else if (node.type === "VariableDeclaration" && node.kind !== "var") {
      edits.replace(node.start, node.start + node.kind.length, "var".padEnd(node.kind.length));
      for (const { init, end } of node.declarations) if (init === null) edits.insert(end, "=void 0");
    }
  }
  return edits;
}

function declareOutside(edits, node, names) {
  edits.replace(node.start, node.start + node.kind.length, "void (");
  for (const { id, init, start, end } of node.declarations) {
    names.push(...boundNames(id));
    edits.insert(start, "(");
    // A `var` without a value leaves the one it has.
    edits.insert(end, init === null && node.kind !== "var" ? "=void 0)" : ")");
  }
  edits.insert(node.end - (node.semicolon ? 1 : 0), ")");
}

function importName(node) {
  return node.type === "Identifier" ? node.name : JSON.stringify(node.value);
}

/** An import declaration as an expression statement on as many lines. */
function importExpression(source, node, names) {
  const attributes = (node.attributes ?? []).map((of) => `${importName(of.key)}:${JSON.stringify(of.value.value)}`);
  const options = attributes.length === 0 ? "" : `,{with:{${attributes.join(",")}}}`;
  const module = `await import(${node.source.raw}${options})`;
  const lines = "\n".repeat(source.slice(node.start, node.end).split("\n").length - 1);
  const properties = [];
  let namespace;
  for (const { type, local, imported } of node.specifiers) {
    names.push(local.name);
    if (type === "ImportNamespaceSpecifier") namespace = local.name;
    else properties.push(`${type === "ImportDefaultSpecifier" ? "default" : importName(imported)}:${local.name}`);
  }
  const named = properties.length === 0 ? "" : `{${properties.join(",")}}=`;
  return `void (${named}${namespace === undefined ? "" : `${namespace}=`}${module}${lines});`;
}

/** With await: the cell's own declarations become assignments to variables that are declared outside its function. */
function toAsyncScript(source, program) {
  const edits = new Edits();
  const names = [];
  const functions = [];
  const top = new Set(program.body);
  const loops = new Map();
  for (const node of ownNodes(program)) {
    if (node.type === "ForInStatement" || node.type === "ForOfStatement") loops.set(node.left, true);
    if (
      node.type === "VariableDeclaration" &&
      (node.kind === "var" || (top.has(node) && !node.kind.endsWith("using")))
    ) {
      node.semicolon = source[node.end - 1] === ";";
      if (loops.has(node)) {
        names.push(...boundNames(node.declarations[0].id));
        edits.replace(node.start, node.start + node.kind.length, " ".repeat(node.kind.length));
      } else {
        declareOutside(edits, node, names);
      }
    } else if (node.type === "ImportDeclaration") {
      edits.replace(node.start, node.end, importExpression(source, node, names));
    } else if (top.has(node) && node.type === "ClassDeclaration") {
      names.push(node.id.name);
      edits.insert(node.start, `${node.id.name}=`);
      edits.insert(node.end, ";");
    } else if (top.has(node) && node.type === "FunctionDeclaration") {
      functions.push(node.id.name);
    }
  }
  return { edits, names, functions };
}

function parseCell(source) {
  const program = parse(source, PARSER);
  const exported = program.body.find((node) => node.type.startsWith("Export"));
  if (exported === undefined) return program;
  throw Object.assign(new SyntaxError("Unexpected token 'export'"), { pos: exported.start });
}

/** `{a: 1}` is an object for whoever types it; as a statement it is a block. */
function asObject(source) {
  if (!/^\s*\{/.test(source) || /;\s*$/.test(source)) return undefined;
  try {
    const inner = `(${source}\n)`;
    return { source: inner, program: parseCell(inner) };
  } catch {
    return undefined;
  }
}

/**
 * What makes of a statement more than an expression, of an expression an asynchronous one, or of one statement several:
 * the last of them may have no value.
 */
const WORDS =
  "await|break|class|const|continue|debugger|do|export|for|function|if|import|let|return|switch|throw|try|using|var|" +
  "while|with";
const MORE_THAN_EXPRESSIONS = new RegExp(`[{:#]|;(?!\\s*$)|\\\\u|\\b(?:${WORDS})\\b`);

/**
 * Whether nothing about a cell is to be changed, without a parser, which is most of what a fork's first cell would
 * touch. Such a cell is a line of expressions, or does not compile. Not all that are so have to be found.
 * @param {string} cell
 */
export function isPlain(cell) {
  return !MORE_THAN_EXPRESSIONS.test(cell);
}

/**
 * @param {string} cell
 * @returns {{code: string, columnOffset: number, isAsync: boolean, hasResult: boolean,
 *   shifts: {line: number, column: number, by: number}[]}} `columnOffset` is what the first line was moved by, `shifts`
 *   what else was moved. The script's value is the result if there is one, of an async cell a promise of an
 *   object with the result as `value`.
 * @throws {SyntaxError} with `pos`, where in the cell
 */
export function transform(cell) {
  const object = asObject(cell);
  const source = object?.source ?? cell;
  const program = object?.program ?? parseCell(source);
  const shift = object === undefined ? 0 : -1;
  const last = program.body.at(-1);
  const hasResult = last !== undefined && last.type === "ExpressionStatement";
  let isAsync = false;
  for (const node of ownNodes(program)) isAsync ||= isAsyncNode(node);
  if (!isAsync) {
    const edits = toScript(program);
    return { code: edits.apply(source), columnOffset: shift, isAsync, hasResult, shifts: edits.shifts(source) };
  }

  const { edits, names, functions } = toAsyncScript(source, program);
  if (hasResult) {
    const end = source[last.end - 1] === ";" ? last.end - 1 : last.end;
    edits.insert(last.start, "return {__proto__:null,value:(");
    edits.insert(end, ")}");
  }
  const directives = program.body
    .filter((node) => node.directive !== undefined)
    .map((node) => `${node.expression.raw};`);
  const declared = names.length === 0 ? "" : `var ${[...new Set(names)].join(",")};`;
  const published = functions.map((name) => `globalThis.${name}=${name};`);
  const prefix = `${declared}(async()=>{${directives.join("")}${published.join("")}`;
  const code = `${prefix}${edits.apply(source)}\n})()`;
  return { code, columnOffset: shift - prefix.length, isAsync, hasResult, shifts: edits.shifts(source) };
}
