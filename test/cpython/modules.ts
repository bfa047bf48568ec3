import { type Group, REASONS } from "./reasons.js";

/** A module of CPython's regression tests. */
export interface TestModule {
  /** Below `test`. */
  readonly name: string;
  /** For the whole module. @default DEFAULT_LIMIT_SECONDS */
  readonly limitSeconds?: number;
  /** Tests that are not run. */
  readonly leftOut?: readonly Group[];
  /** Tests that fail. */
  readonly known?: readonly Group[];
}

export const DEFAULT_LIMIT_SECONDS = 600;

/** Those that have been run to their end on kvm_pvm; docs/testing.md has what came of it. */
export const MODULES: readonly TestModule[] = [
  { name: "test_json" },
  { name: "test_math" },
  { name: "test_struct" },
  { name: "test_re" },
  { name: "test_dict" },
  { name: "test_list" },
  { name: "test_set" },
  { name: "test_float" },
  { name: "test_int" },
  { name: "test_long" },
  { name: "test_complex" },
  { name: "test_itertools" },
  { name: "test_functools" },
  { name: "test_contextlib" },
  {
    name: "test_queue",
    leftOut: [{ tests: ["test.test_queue.*SimpleQueueTest.test_many_threads*"], reason: REASONS.manyWakeups }],
  },
  {
    name: "test_random",
    leftOut: [{ tests: ["test.test_random.SystemRandom_TestBasicOps.test_bug_9025"], reason: REASONS.manySystemCalls }],
  },
  { name: "test_zlib" },
  { name: "test_bz2" },
  { name: "test_lzma" },
  { name: "test_hashlib" },
  { name: "test_uuid" },
  { name: "test_generators" },
  { name: "test_coroutines" },
  {
    name: "test_exceptions",
    leftOut: [
      {
        tests: ["test.test_exceptions.ExceptionTests.test_memory_error_in_PyErr_PrintEx"],
        reason: REASONS.manyChildren,
      },
    ],
  },
  { name: "test_memoryview" },
  { name: "test_array" },
  { name: "test_mmap" },
  { name: "test_gc" },
  { name: "test_time" },
  { name: "test_resource" },
  {
    name: "test_fcntl",
    known: [{ tests: ["test.test_fcntl.TestFcntl.test_fcntl_64_bit"], reason: REASONS.noDnotify }],
  },
  { name: "test_fork1" },
  { name: "test_pty" },
  { name: "test_select" },
  {
    name: "test_selectors",
    leftOut: [{ tests: ["test.test_selectors.*.test_above_fd_setsize"], reason: REASONS.manyDescriptors }],
  },
  { name: "test_poll" },
  { name: "test_epoll" },
  { name: "test_thread" },
  {
    name: "test_threading",
    limitSeconds: 1200,
    known: [
      {
        tests: ["test.test_threading.ThreadJoinOnShutdown.test_4_daemon_threads"],
        reason: REASONS.childrensThreads,
      },
    ],
  },
  { name: "test_signal", limitSeconds: 900 },
  {
    name: "test_subprocess",
    limitSeconds: 1800,
    leftOut: [
      {
        tests: [
          "test.test_subprocess.ProcessTestCase.*",
          "test.test_subprocess.RunFuncTestCase.*",
          "test.test_subprocess.ContextManagerTests.*",
        ],
        reason: REASONS.manyChildren,
      },
      { tests: ["test.test_subprocess.ProcessTestCaseNoPoll.*"], reason: REASONS.sameAgain },
    ],
    known: [
      {
        tests: ["test.test_subprocess.POSIXProcessTestCase.test_pipe_cloexec_real_tools"],
        reason: REASONS.tenSeconds,
      },
    ],
  },
  { name: "test_asyncio.test_futures" },
  { name: "test_asyncio.test_locks" },
  { name: "test_asyncio.test_queues" },
  { name: "test_asyncio.test_runners" },
  {
    name: "test_asyncio.test_subprocess",
    leftOut: [
      {
        tests: ["Fast", "Safe", "MultiLoop", "Pidfd"].map((watcher) => `test.*.Subprocess${watcher}WatcherTests.*`),
        reason: REASONS.otherWatchers,
      },
    ],
  },
  { name: "test_asyncio.test_taskgroups" },
  { name: "test_asyncio.test_tasks" },
  { name: "test_asyncio.test_threads" },
  { name: "test_asyncio.test_timeouts" },
  { name: "test_asyncio.test_unix_events" },
  {
    name: "test_asyncio.test_waitfor",
    known: [
      {
        tests: ["test.*.test_wait_for_timeout_less_then_0_or_0*"],
        reason: REASONS.tenthOfSecond,
      },
    ],
  },
];
