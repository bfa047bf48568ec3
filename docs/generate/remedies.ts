/**
 * What to do about each code. One record per registry, so that a code without advice does not compile.
 */
import type { ClientErrorCode } from "../../client/src/errors.js";
import type { FailureCode } from "../../client/src/protocol/codes.js";
import type { EngineErrorCode } from "../../native/engine.js";
import type { SetupErrorCode } from "../../native/guest/build/errors.js";
import type { ServerErrorCode } from "../../server/src/errors.js";

const REPORT = "Report it, with the server's log.";
const NEW_SESSION = "Connect again: a new session is a new VM.";
const FIX_FRAME = "Mend the client; `message` names the field or the byte.";
const NOT_SENT = "This version does not send it.";

export const FAILURE_REMEDIES: Readonly<Record<FailureCode, string>> = {
  unauthorized: "Send a key of the server's key file.",
  key_expired: "Send a key that is valid; its time is in the server's key file.",
  key_not_permitted: "Use a key of the role that the request needs; the server's key file gives it.",
  origin_forbidden: "Add the page's origin to `--allow-origin`.",
  host_forbidden: "Add the name by which clients address the server to `--allow-host`.",
  subprotocol_unsupported: "Offer `zeroboot.v1.msgpack`.",
  options_invalid: "Leave the query out, or give `template` once.",
  template_unknown: "Ask for a template that `/v1/health` names.",
  starting: "Try again when `/v1/health` answers 200.",
  template_building: "Try again: `message` and `/v1/health` say how far it is. `zeroboot exec` and `repl` wait.",
  template_failed: "Read the server's log. Asking again after a minute tries again.",
  capacity_exhausted: "Try again, or raise `--max-sessions`.",
  key_capacity_exhausted: "End a session, or raise `--max-sessions-per-key`.",
  rate_limited: "Try again after the seconds that `Retry-After` says.",
  text_message: "Send binary messages.",
  malformed_frame: FIX_FRAME,
  invalid_utf8: "Send strings as UTF-8, bytes as bin.",
  frame_too_large: "Send less in one frame: see `ready.limits`.",
  too_many_failures: "Mend the client: it goes on sending what is refused.",
  unknown_type: FIX_FRAME,
  invalid_frame: FIX_FRAME,
  unsupported: NOT_SENT,
  not_ready: "Wait for `ready`.",
  duplicate_id: "Give every execution an id of its own.",
  unknown_execution: "None: it has ended, which a client cannot always know.",
  queue_full: "Wait for a `done`.",
  code_too_large: "Send less code, data by standard input.",
  stdin_overflow: "Send it again when the cell has read; the SDK does.",
  restarted: "Ask again: the session goes on, in a fresh fork.",
  stdin_closed: 'Run the cell with `stdin: "open"`; send nothing after `eof`.',
  session_closed: "None; the SDK ends everything that still waits with it.",
  shutting_down: "Connect again when the server is back.",
  internal: REPORT,
  session_deleted: "None: somebody with this key ended it by `DELETE /v1/sessions/{id}`.",
  idle_timeout: "Connect again, or raise `--session-idle-timeout-ms`.",
  lifetime_exceeded: "Connect again, or raise `--session-lifetime-ms`.",
  slow_reader: "Read, and grant no more credit than you can take.",
  output_limit: "Connect again, and write less; or raise `--max-session-output-bytes`.",
  guest_panic: NEW_SESSION,
  guest_reset: NEW_SESSION,
  triple_fault: NEW_SESSION,
  agent_exited: `${NEW_SESSION} The program crashed its interpreter or called \`os._exit\`.`,
  out_of_memory: "The session goes on in a fresh fork; it ends only if that happens before it is ready.",
  protocol_violation: `${NEW_SESSION} The program wrote to the link itself, or broke its agent.`,
  emulation_failure: `${NEW_SESSION} If an ordinary program did it, report it with \`message\`.`,
  identity_refused: `${NEW_SESSION} If it persists, the machine is overloaded: the fork was not ready in time.`,
  kvm_failed: REPORT,
  fork_failed: "See `zeroboot doctor`: open files, threads, mappings or memory have run out.",
  not_found: "See docs/protocol.md for the paths.",
  request_malformed: "Send one `Host`, and either one `Content-Length` or `Transfer-Encoding: chunked`.",
  media_type_unsupported: "Send `Content-Type: application/json`.",
  body_too_large: "Send less: a body may have 4 MiB.",
  invalid_request: "Mend the request; `error` names the field.",
  language_unknown: "Ask for one that `error` lists, or give `template`.",
  session_unknown: "None: it has ended, or belongs to another key.",
  page_not_built: "Run `npm run build` on the server and start it again. Sessions do not need the page.",
  method_not_allowed: "Use a method of the `Allow` header.",
  upgrade_required: "Connect with WebSocket.",
};

export const CLIENT_REMEDIES: Readonly<Record<ClientErrorCode, string>> = {
  connect_failed: "Check the URL and that the server runs.",
  connect_timeout: "Try again, or raise `connectTimeoutMs`.",
  connection_lost: NEW_SESSION,
  protocol_error: "Use a client and a server of the same version.",
  invalid_option: "Mend the call; `message` names the option.",
  execution_failed: "`result` of the error has the exit code and both outputs.",
  send_queue_full: "Write more slowly.",
};

export const SERVER_REMEDIES: Readonly<Record<ServerErrorCode, string>> = {
  config_invalid: "Mend the flag or variable that the message names; see docs/configuration.md.",
  api_keys_invalid: 'Write the file as a JSON array of strings, for example `["key-1"]`, or remove it.',
  tls_invalid:
    "Give `--tls-cert` a certificate that is in force, with its chain, and `--tls-key` its private key, both PEM.",
  insecure_bind: "Give `--api-keys-file`, or listen on 127.0.0.1.",
  port_in_use: "Choose another `--port`, or stop the program that listens there.",
  listen_failed: "Choose an address of this machine and a port above 1023.",
  node_unsupported: "Use Node 20 or 22 on Linux x86-64.",
  native_module_missing: "Remove node_modules and run `npm install` again.",
  native_module_mismatch:
    "Remove node_modules and run `npm install` again. If it persists, do not run it: see docs/dependencies.md.",
  template_unknown: "Choose one that `zeroboot template list` shows.",
  preload_failed: "Mend the preload, which the guest's lines tell of, or give the template more `--memory-mb`.",
  snapshot_refused: "Leave `--snapshot` out: a template is made for this machine.",
  input_invalid: "Give either code or `--file`, as UTF-8 of at most 1 MiB.",
  internal: REPORT,
};

export const ENGINE_REMEDIES: Readonly<Record<EngineErrorCode, string>> = {
  kvm_missing: "Load kvm_intel or kvm_amd, or switch (nested) virtualization on; `zeroboot doctor` has the command.",
  kvm_forbidden: "Join the group of /dev/kvm; `zeroboot doctor` has the command.",
  kvm_unsuitable: "Use a newer kernel or another kind of host.",
  kvm_failed: "Report it with `zeroboot doctor`'s output.",
  kernel_invalid: "Give a vmlinux or bzImage; on kvm_pvm a vmlinux: see docs/kvm-hosts.md.",
  root_invalid: "Remove the cache's `root` directory: it is made again.",
  template_failed: "Read the console lines; with `--kernel`, try without.",
  template_missing: "Check the path.",
  template_corrupt: "Of our own: none, it is made again. Given with `--snapshot`: fetch it again.",
  template_mismatch: "Of our own: none, it is made again. Given with `--snapshot`: use one made on such a machine.",
  fork_failed: "See `zeroboot doctor`: open files, threads, mappings or memory have run out.",
  vm_closed: "None: whoever closed it, or its `onEnd`, has the reason.",
  queue_full: "Send again when the guest has read.",
  io_failed: "Free some disk or memory; the message names the call.",
};

export const SETUP_REMEDIES: Readonly<Record<SetupErrorCode, string>> = {
  disk_full: "Free some space, or point `ZEROBOOT_HOME` at another disk, and run the command again.",
  network_lost: "Check the network and apt's proxy settings, and run the command again.",
  package_missing: "Check the sources in /etc/apt: Debian 12 (bookworm) main is needed.",
  package_corrupt: "Run the command again. If it persists, the mirror or a proxy alters files.",
  tool_missing: "Install what the message names, as `apt-get install g++`.",
  command_failed: "Read the log that the message names.",
  config_rejected: "Add what the symbols depend on to native/guest/kernel/guest.config.",
  recipe_invalid: "Choose a template that `zeroboot template list` shows, or mend its recipe.",
  container_invalid:
    "Give the directory or tar of a whole file system with CPython 3.11, as `docker export` writes it.",
  kernel_invalid: "Give the path of an uncompressed x86-64 vmlinux or of a bzImage.",
  interrupted: "Run the command again: it goes on where it stopped.",
  lock_failed: "Point `ZEROBOOT_HOME` at a local disk: its file system must have file locks.",
  home_unusable: "Point `ZEROBOOT_HOME` at a writable absolute path without spaces or shell characters.",
};
