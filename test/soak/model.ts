/**
 * What one session must hold: made by its user's cells, kept until the session ends or the server
 * says that it is gone (`stateKept` false).
 */
export class Model {
  /** Known to this session alone. */
  readonly owner: string;
  /** Variables, by name; all begin with `v_`. */
  readonly variables = new Map<string, number>();
  /** Contents of files, by path. */
  readonly files = new Map<string, string>();
  /** Cells the session has run. */
  executions = 0;
  /** Restarts of its runtime. */
  restarts = 0;
  /** The last count read of a thread that counts; undefined without such a thread. */
  ticks: number | undefined;

  constructor(owner: string) {
    this.owner = owner;
  }

  /** The runtime is a fresh one. */
  restarted(): void {
    this.restarts++;
    this.variables.clear();
    this.files.clear();
    this.ticks = undefined;
  }

  /** What {@link SURVEY} must print. */
  survey(): string {
    const names = [...this.variables.keys()].sort();
    return `${JSON.stringify({
      owner: this.variables.size === 0 ? null : this.owner,
      variables: Object.fromEntries(names.map((name) => [name, this.variables.get(name)])),
      files: Object.fromEntries([...this.files.keys()].sort().map((path) => [path, this.files.get(path)])),
    })}\n`;
  }
}

/** Where cells keep files. */
export const FILES = "/tmp/soak-";

/** A cell that prints, as JSON, everything the model knows of, and whatever else is there of the kind. */
export const SURVEY = `
import glob, json
print(json.dumps({
    "owner": globals().get("owner"),
    "variables": {name: globals()[name] for name in sorted(globals()) if name.startswith("v_")},
    "files": {path: open(path).read() for path in sorted(glob.glob("${FILES}*"))},
}, separators=(",", ":"), ensure_ascii=False))`;

/** The smallest modulus that keeps a product of two of its residues a safe integer, near enough. */
const MODULUS = 1_000_003;

/** One step of a variable, in the model's arithmetic and as a statement. */
export function step(name: string, value: number, factor: number, summand: number): readonly [string, number] {
  return [`${name} = (${name} * ${factor} + ${summand}) % ${MODULUS}`, (value * factor + summand) % MODULUS];
}
