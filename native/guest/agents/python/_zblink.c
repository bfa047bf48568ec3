/*
 * The link as a Python module. Everything a cell's way needs is here and makes no system call.
 *
 *   receive(for_input) -> (kind, flags, execution, payload)   waits for the next record
 *   send(kind, flags, execution, data)                        one control payload
 *   write(kind, text)                                         output of the running cell
 *   begin(execution), end()                                   a cell runs between them
 *   disown_output()                                           what it prints is no cell's
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "link.h"

/* Records arrive as a byte stream; what is not yet taken waits here. Grows for long cells. */
static uint8_t *pending;
static size_t pending_capacity, pending_start, pending_end;
static uint16_t current_execution;
/* Whose output is written now; differs from the above while a question is answered. */
static uint16_t output_execution;
static int in_cell;
static int random_fd = -1;

static int append_received(uint32_t bytes) {
  if (pending_start == pending_end) pending_start = pending_end = 0;
  if (pending_end + bytes > pending_capacity) {
    const size_t capacity = (pending_end + bytes) * 2;
    uint8_t *grown = realloc(pending, capacity);
    if (grown == NULL) {
      PyErr_NoMemory();
      return -1;
    }
    pending = grown;
    pending_capacity = capacity;
  }
  memcpy(pending + pending_end, zb_link_received(), bytes);
  pending_end += bytes;
  return 0;
}

static PyObject *take_record(void) {
  const size_t have = pending_end - pending_start;
  struct zb_record record;
  if (have < sizeof record) return NULL;
  memcpy(&record, pending + pending_start, sizeof record);
  if (have < sizeof record + record.length) return NULL;
  PyObject *tuple = Py_BuildValue("(BBHy#)", record.kind, record.flags, record.execution,
                                  (const char *)pending + pending_start + sizeof record, (Py_ssize_t)record.length);
  pending_start += sizeof record + record.length;
  return tuple;
}

static int wait_for_host(void) {
  int result;
  int error;
  Py_BEGIN_ALLOW_THREADS
  result = zb_link_wait();
  error = errno;
  Py_END_ALLOW_THREADS
  if (result < 0 && error != EINTR) {
    errno = error;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
  }
  return 0;
}

static PyObject *receive(PyObject *self, PyObject *argument) {
  (void)self;
  const uint32_t reg = argument == Py_True ? ZB_REG_RX_INPUT : ZB_REG_RX;
  for (;;) {
    PyObject *record = take_record();
    if (record != NULL || PyErr_Occurred()) return record;
    const uint32_t answer = zb_link_poll(reg);
    if (answer == ZB_RX_WAIT) {
      if (wait_for_host() < 0) return NULL;
    } else if (answer != 0 && append_received(answer) < 0) {
      return NULL;
    }
    if (answer == 0 || answer == ZB_RX_WAIT) {
      if (PyErr_CheckSignals() < 0) return NULL;
    }
  }
}

/* Sends all of it; NULL with an exception when a signal handler raised one meanwhile. */
static int send_all(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const char *data, Py_ssize_t length,
                    int control) {
  size_t done = 0;
  for (;;) {
    size_t sent = 0;
    const int result = zb_link_send(kind, flags, more, execution, data + done, (size_t)length - done, control, &sent);
    const int error = errno;
    zb_capture_settle();
    done += sent;
    if (result == 0) return 0;
    if (error != EINTR) {
      errno = error;
      PyErr_SetFromErrno(PyExc_OSError);
      return -1;
    }
    if (PyErr_CheckSignals() < 0) return -1;
  }
}

static PyObject *link_send(PyObject *self, PyObject *args) {
  (void)self;
  unsigned char kind, flags;
  unsigned short execution;
  Py_buffer data;
  if (!PyArg_ParseTuple(args, "bbHy*", &kind, &flags, &execution, &data)) return NULL;
  const int result = send_all(kind, flags, ZB_PART_MORE, execution, data.buf, data.len, 1);
  PyBuffer_Release(&data);
  if (result < 0) return NULL;
  Py_RETURN_NONE;
}

static int write_descriptor(int fd, const char *data, Py_ssize_t length) {
  while (length > 0) {
    const ssize_t n = write(fd, data, (size_t)length);
    if (n < 0 && errno == EINTR) {
      if (PyErr_CheckSignals() < 0) return -1;
      continue;
    }
    if (n < 0) {
      PyErr_SetFromErrno(PyExc_OSError);
      return -1;
    }
    data += n;
    length -= n;
  }
  return 0;
}

static int write_out(uint8_t kind, const char *data, Py_ssize_t length) {
  if (length == 0) return 0;
  /* A child has no ring: its output goes the way of any program's. */
  if (zb_link_detached()) return write_descriptor(kind == ZB_GUEST_STDERR ? 2 : 1, data, length);
  return send_all(kind, 0, 0, output_execution, data, length, 0);
}

static PyObject *link_write(PyObject *self, PyObject *const *args, Py_ssize_t count) {
  (void)self;
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "write(kind, data)");
    return NULL;
  }
  const uint8_t kind = (uint8_t)PyLong_AsLong(args[0]);
  if (PyUnicode_Check(args[1])) {
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(args[1], &length);
    int result;
    if (text != NULL) {
      result = write_out(kind, text, length);
    } else {
      /* Lone surrogates: undecodable bytes as they were, anything else visibly escaped. */
      PyErr_Clear();
      PyObject *bytes = PyUnicode_AsEncodedString(args[1], "utf-8", "surrogateescape");
      if (bytes == NULL) {
        PyErr_Clear();
        bytes = PyUnicode_AsEncodedString(args[1], "utf-8", "backslashreplace");
      }
      if (bytes == NULL) return NULL;
      result = write_out(kind, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
      Py_DECREF(bytes);
    }
    if (result < 0) return NULL;
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(args[1]));
  }
  Py_buffer data;
  if (PyObject_GetBuffer(args[1], &data, PyBUF_SIMPLE) < 0) return NULL;
  const int result = write_out(kind, data.buf, data.len);
  const Py_ssize_t length = data.len;
  PyBuffer_Release(&data);
  if (result < 0) return NULL;
  return PyLong_FromSsize_t(length);
}

static void own_output(uint16_t execution) {
  output_execution = execution;
  zb_capture_execution(execution);
}

static PyObject *begin(PyObject *self, PyObject *argument) {
  (void)self;
  const unsigned long execution = PyLong_AsUnsignedLong(argument);
  if (PyErr_Occurred()) return NULL;
  current_execution = (uint16_t)execution;
  own_output(current_execution);
  in_cell = 1;
  Py_RETURN_NONE;
}

/* The cell's code has ended: later interrupts are dropped. Its execution id stays until finish(). */
static PyObject *end(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  in_cell = 0;
  Py_RETURN_NONE;
}

static PyObject *finish(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  current_execution = 0;
  own_output(0);
  Py_RETURN_NONE;
}

static PyObject *disown_output(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  own_output(0);
  Py_RETURN_NONE;
}

static PyObject *is_in_cell(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  return PyBool_FromLong(in_cell);
}

static PyObject *flush(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  if (!zb_link_detached()) zb_capture_flush();
  Py_RETURN_NONE;
}

static PyObject *is_detached(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  return PyBool_FromLong(zb_link_detached());
}

static int reseed_kernel(const uint8_t *entropy) {
  struct {
    struct rand_pool_info info;
    uint8_t bytes[ZB_IDENTITY_ENTROPY_BYTES];
  } pool;
  pool.info.entropy_count = (int)sizeof pool.bytes * 8;
  pool.info.buf_size = (int)sizeof pool.bytes;
  memcpy(pool.bytes, entropy, sizeof pool.bytes);
  const int failed = ioctl(random_fd, RNDADDENTROPY, &pool) < 0 || ioctl(random_fd, RNDRESEEDCRNG) < 0;
  explicit_bzero(&pool, sizeof pool);
  return failed ? -1 : 0;
}

/*
 * Host randomness into the kernel's generator unless the host has put it there itself, and the wall
 * clock. Crediting alone does not rekey a
 * generator that is already initialised, so it is told to (random(4), RNDRESEEDCRNG).
 */
static PyObject *take_identity(PyObject *self, PyObject *args) {
  (void)self;
  int rekeyed;
  Py_buffer entropy;
  unsigned long long wall_clock_ns;
  if (!PyArg_ParseTuple(args, "py*K", &rekeyed, &entropy, &wall_clock_ns)) return NULL;
  const struct timespec now = {.tv_sec = (time_t)(wall_clock_ns / 1000000000u),
                               .tv_nsec = (long)(wall_clock_ns % 1000000000u)};
  int failed = 1;
  if (entropy.len == (Py_ssize_t)ZB_IDENTITY_ENTROPY_BYTES) {
    failed = (!rekeyed && reseed_kernel(entropy.buf) < 0) || clock_settime(CLOCK_REALTIME, &now) < 0;
  } else {
    errno = EINVAL;
  }
  PyBuffer_Release(&entropy);
  if (failed) return PyErr_SetFromErrno(PyExc_OSError);
  Py_RETURN_NONE;
}

static PyObject *link_open(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  /* Room for a usual cell, touched now so that no fork takes the faults. */
  pending_capacity = ZB_RX_BYTES;
  pending = calloc(1, pending_capacity);
  random_fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
  if (pending == NULL) return PyErr_NoMemory();
  if (random_fd < 0 || zb_link_open() < 0 || zb_capture_open() < 0) return PyErr_SetFromErrno(PyExc_OSError);
  if (pthread_atfork(NULL, NULL, zb_link_detach) != 0) return PyErr_NoMemory();
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"open", link_open, METH_NOARGS, "Map the link and put descriptors 1 and 2 in place."},
    {"receive", receive, METH_O, "Wait for the next record."},
    {"send", link_send, METH_VARARGS, "Send one control payload."},
    {"write", (PyCFunction)(void (*)(void))link_write, METH_FASTCALL, "Write output of the running cell."},
    {"begin", begin, METH_O, "A cell begins."},
    {"end", end, METH_NOARGS, "The cell's code has ended."},
    {"finish", finish, METH_NOARGS, "The cell has been reported."},
    {"disown_output", disown_output, METH_NOARGS, "What is written from here on belongs to no cell."},
    {"in_cell", is_in_cell, METH_NOARGS, "Whether a cell's code runs."},
    {"flush", flush, METH_NOARGS, "Move everything written to descriptors 1 and 2."},
    {"detached", is_detached, METH_NOARGS, "Whether this is a child without the link."},
    {"take_identity", take_identity, METH_VARARGS, "Reseed the kernel and set the clock."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_zblink", NULL, -1, methods, NULL, NULL, NULL, NULL};

static int add_constants(PyObject *m) {
  static const struct {
    const char *name;
    long value;
  } constants[] = {
      {"EXECUTE", ZB_HOST_EXECUTE},
      {"STDIN", ZB_HOST_STDIN},
      {"IDENTITY", ZB_HOST_IDENTITY},
      {"ENV", ZB_HOST_ENV},
      {"EXECUTE_STDIN_OPEN", ZB_EXECUTE_STDIN_OPEN},
      {"EXECUTE_COMPLETE", ZB_EXECUTE_COMPLETE},
      {"EXECUTE_CHECK", ZB_EXECUTE_CHECK},
      {"STDIN_EOF", ZB_STDIN_EOF},
      {"IDENTITY_REKEYED", ZB_IDENTITY_REKEYED},
      {"IDENTITY_ENTROPY_BYTES", ZB_IDENTITY_ENTROPY_BYTES},
      {"READY", ZB_GUEST_READY},
      {"STDOUT", ZB_GUEST_STDOUT},
      {"STDERR", ZB_GUEST_STDERR},
      {"RESULT", ZB_GUEST_RESULT},
      {"DISPLAY", ZB_GUEST_DISPLAY},
      {"ERROR", ZB_GUEST_ERROR},
      {"INPUT_REQUEST", ZB_GUEST_INPUT_REQUEST},
      {"DONE", ZB_GUEST_DONE},
      {"GUEST_IDENTITY", ZB_GUEST_IDENTITY},
      {"MIME_TEXT", ZB_MIME_TEXT},
      {"MIME_JSON", ZB_MIME_JSON},
      {"LAST_OF_BUNDLE", ZB_PART_LAST_OF_BUNDLE},
      {"ERROR_NAME", ZB_ERROR_NAME},
      {"ERROR_MESSAGE", ZB_ERROR_MESSAGE},
      {"ERROR_TRACEBACK", ZB_ERROR_TRACEBACK},
      {"INPUT_PASSWORD", ZB_INPUT_PASSWORD},
      {"DONE_OK", ZB_DONE_OK},
      {"DONE_ERROR", ZB_DONE_ERROR},
      {"DONE_INTERRUPTED", ZB_DONE_INTERRUPTED},
      {"DONE_TRUNCATED", ZB_DONE_TRUNCATED},
  };
  for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
    if (PyModule_AddIntConstant(m, constants[i].name, constants[i].value) < 0) return -1;
  }
  return 0;
}

PyMODINIT_FUNC PyInit__zblink(void) {
  PyObject *m = PyModule_Create(&module);
  if (m != NULL && add_constants(m) < 0) {
    Py_DECREF(m);
    return NULL;
  }
  return m;
}
