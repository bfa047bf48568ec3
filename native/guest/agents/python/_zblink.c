/*
 * The link as a Python module. Everything a cell's way needs is here and makes no system call.
 *
 *   receive() -> (kind, flags, execution, payload)            waits for the next record
 *   begin_input(execution, has_input), end_input()            standard input of a cell
 *   read_input(limit, request_flags, prompt, one_line) -> bytes  of it; asks the client if there is none
 *   send(kind, flags, execution, data)                        one control payload
 *   send_bundle(kind, execution, parts), show(parts)          all parts (index, data) of a result; of a display
 *   write(kind, text)                                         output of the running cell
 *   begin(execution), end()                                   a cell runs between them
 *   disown_output()                                           what it prints is no cell's
 *   interrupted()                                             for the SIGINT handler: whether to raise
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "arenas.h"
#include "calls.h"
#include "capture.h"
#include "heap.h"
#include "huge_text.h"
#include "identity.h"
#include "input.h"
#include "interrupt.h"
#include "link.h"
#include "others.h"
#include "records.h"

static uint16_t current_execution;
/* Whose output is written now; differs from the above while a question is answered. */
static uint16_t output_execution;

static PyObject *take_record(void) {
  struct zb_record record;
  const uint8_t *payload = zb_records_peek(&record);
  if (payload == NULL) return NULL;
  PyObject *tuple = Py_BuildValue("(BBHy#)", record.kind, record.flags, record.execution, (const char *)payload,
                                  (Py_ssize_t)record.length);
  if (tuple != NULL) zb_records_drop(); /* else no memory: the record stays for the next try */
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

/* Python's handlers of the signals that have come; -1 when one raised. */
static int handle_signals(void) {
  if (zb_interrupt_due()) {
    zb_interrupt_settle();
    PyErr_SetInterrupt();
  }
  zb_interrupt_kill();
  return PyErr_CheckSignals();
}

static PyObject *receive(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  for (;;) {
    if (zblink_take_identity() < 0) return NULL;
    PyObject *record = take_record();
    if (record != NULL || PyErr_Occurred()) return record;
    const uint32_t answer = zb_link_poll(ZB_REG_RX);
    if (answer == ZB_RX_WAIT) {
      if (!zb_others_live()) {
        zb_link_control()->others = 0;
        continue;
      }
      if (wait_for_host() < 0) return NULL;
    } else if (answer != 0 && zb_records_add(answer) < 0) {
      return PyErr_NoMemory();
    }
    if (answer == 0 || answer == ZB_RX_WAIT) {
      if (handle_signals() < 0) return NULL;
    }
  }
}

int zblink_send_all(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const char *data, Py_ssize_t length,
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
    if (handle_signals() < 0) return -1;
  }
}

static PyObject *link_send(PyObject *self, PyObject *args) {
  (void)self;
  unsigned char kind, flags;
  unsigned short execution;
  Py_buffer data;
  if (!PyArg_ParseTuple(args, "bbHy*", &kind, &flags, &execution, &data)) return NULL;
  const int result = zblink_send_all(kind, flags, ZB_PART_MORE, execution, data.buf, data.len, 1);
  PyBuffer_Release(&data);
  if (result < 0) return NULL;
  Py_RETURN_NONE;
}

/*
 * All parts of one bundle. Signals wait until they are sent, because a bundle that an exception has cut off would stay
 * begun for the host, which ends a guest whose next one has its parts out of order. An interrupt that comes while the
 * client does not read still helps: the host then takes what it throws away.
 */
static PyObject *send_parts(uint8_t kind, uint16_t execution, PyObject *parts, int control) {
  PyObject *sequence = PySequence_Fast(parts, "parts must be a sequence");
  if (sequence == NULL) return NULL;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
  for (Py_ssize_t i = 0; i < count; i++) {
    /* Checked before anything is sent. */
    PyObject *part = PySequence_Fast_GET_ITEM(sequence, i);
    if (!PyTuple_Check(part) || PyTuple_GET_SIZE(part) != 2 || !PyLong_Check(PyTuple_GET_ITEM(part, 0)) ||
        !PyBytes_Check(PyTuple_GET_ITEM(part, 1))) {
      Py_DECREF(sequence);
      PyErr_SetString(PyExc_TypeError, "a part is (index, bytes)");
      return NULL;
    }
  }
  int result = 0;
  for (Py_ssize_t i = 0; i < count && result == 0; i++) {
    PyObject *part = PySequence_Fast_GET_ITEM(sequence, i);
    const uint8_t index = (uint8_t)PyLong_AsLong(PyTuple_GET_ITEM(part, 0)) & ZB_PART_INDEX_MASK;
    const uint8_t flags = i == count - 1 ? index | ZB_PART_LAST_OF_BUNDLE : index;
    const char *data = PyBytes_AS_STRING(PyTuple_GET_ITEM(part, 1));
    size_t left = (size_t)PyBytes_GET_SIZE(PyTuple_GET_ITEM(part, 1));
    do {
      size_t sent = 0;
      result = zb_link_send(kind, flags, ZB_PART_MORE, execution, data, left, control, &sent);
      const int error = errno;
      zb_capture_settle();
      errno = error;
      data += sent;
      left -= sent;
    } while (result < 0 && errno == EINTR);
  }
  Py_DECREF(sequence);
  if (result < 0) return PyErr_SetFromErrno(PyExc_OSError);
  Py_RETURN_NONE;
}

static PyObject *send_bundle(PyObject *self, PyObject *args) {
  (void)self;
  unsigned char kind;
  unsigned short execution;
  PyObject *parts;
  if (!PyArg_ParseTuple(args, "bHO", &kind, &execution, &parts)) return NULL;
  return send_parts(kind, execution, parts, 1);
}

/* Of the cell whose output it is, as with write(). */
static PyObject *show(PyObject *self, PyObject *parts) {
  (void)self;
  return send_parts(ZB_GUEST_DISPLAY, output_execution, parts, 0);
}

static PyObject *begin_input(PyObject *self, PyObject *args) {
  (void)self;
  unsigned short execution;
  int has_input;
  if (!PyArg_ParseTuple(args, "Hp", &execution, &has_input)) return NULL;
  /* Behind the EXECUTE of a cell with input there is nothing but its input. */
  size_t length = 0;
  const uint8_t *records = has_input ? zb_records_take_rest(&length) : NULL;
  zb_input_begin(execution, has_input, records, length);
  Py_RETURN_NONE;
}

static PyObject *end_input(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  if (!zb_link_detached()) zb_input_end();
  Py_RETURN_NONE;
}

/* Until the stream has bytes or its end. 1; 0: the cell has ended meanwhile; -1: an exception. */
static int await_input(uint16_t execution) {
  while (!zb_input_available() && !zb_input_at_end()) {
    const uint32_t answer = zb_link_poll(ZB_REG_RX_INPUT);
    if (answer == ZB_RX_WAIT) {
      if (!zb_others_live()) {
        zb_link_control()->others = 0;
        continue;
      }
      int result;
      int error;
      Py_BEGIN_ALLOW_THREADS
      result = zb_input_wait();
      error = errno;
      Py_END_ALLOW_THREADS
      if (zb_input_execution() != execution) return 0;
      if (result < 0 && error != EINTR) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
      }
      zb_input_woken();
    } else if (answer != 0) {
      zb_input_feed(zb_link_received(), answer);
    }
    if ((answer == 0 || answer == ZB_RX_WAIT) && handle_signals() < 0) return -1;
  }
  return 1;
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
  return zblink_send_all(kind, 0, 0, output_execution, data, length, 0);
}

/* A prompt where nobody has to be asked is output, as it is of a Python that reads from a pipe. */
static int show_prompt(uint8_t request_flags, const Py_buffer *prompt) {
  const uint8_t kind = request_flags & ZB_INPUT_PASSWORD ? ZB_GUEST_STDERR : ZB_GUEST_STDOUT;
  return write_out(kind, prompt->buf, prompt->len);
}

static PyObject *read_input(PyObject *self, PyObject *args) {
  (void)self;
  Py_ssize_t limit;
  unsigned char request_flags;
  Py_buffer prompt;
  int one_line;
  if (!PyArg_ParseTuple(args, "nby*p", &limit, &request_flags, &prompt, &one_line)) return NULL;
  const uint16_t execution = zb_input_execution();
  size_t length = 0;
  const uint8_t *bytes = NULL;
  int result = execution != 0;
  if (execution == 0) {
    if (show_prompt(request_flags, &prompt) < 0) result = -1;
  } else {
    zb_input_enter();
    if (zb_input_take_back() < 0) {
      PyErr_SetFromErrno(PyExc_OSError);
      result = -1;
    }
    if (result > 0 && !zb_input_available() && !zb_input_at_end()) {
      /* Nobody is asked for what has come. */
      const uint32_t answer = zb_link_poll(ZB_REG_RX_TAKE);
      zb_input_feed(zb_link_received(), answer);
    }
    if (result > 0 && !zb_input_available() && !zb_input_at_end()) {
      result = zblink_send_all(ZB_GUEST_INPUT_REQUEST, request_flags, 0, execution, prompt.buf, prompt.len, 1);
      if (result == 0) result = await_input(execution);
    } else if (result > 0 && show_prompt(request_flags, &prompt) < 0) {
      result = -1;
    }
    if (result > 0) bytes = zb_input_take((size_t)limit, one_line, &length);
  }
  PyBuffer_Release(&prompt);
  PyObject *taken = result < 0 ? NULL : PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)length);
  if (execution != 0 && zb_input_execution() == execution) zb_input_leave();
  return taken;
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

/* A cell begins. An interrupt may have come for it since it was fetched: then its handler runs here. */
static PyObject *begin(PyObject *self, PyObject *argument) {
  (void)self;
  const unsigned long execution = PyLong_AsUnsignedLong(argument);
  if (PyErr_Occurred()) return NULL;
  current_execution = (uint16_t)execution;
  own_output(current_execution);
  zb_interrupt_begin(current_execution);
  if (handle_signals() < 0) return NULL;
  Py_RETURN_NONE;
}

/* The cell's code has ended: later interrupts are dropped. Its execution id stays until finish(). */
static PyObject *end(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  zb_interrupt_end();
  Py_RETURN_NONE;
}

static PyObject *finish(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  zb_interrupt_finish();
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

static PyObject *interrupted(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  return PyBool_FromLong(zb_interrupt_take());
}

static PyObject *wrap_interrupts(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  zb_interrupt_wrap();
  Py_RETURN_NONE;
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

/* In a child of fork(2). */
static void detach(void) {
  zb_link_detach();
  zb_input_detach();
}

static PyObject *huge_text(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args)) {
  const int pages = zb_huge_text();
  return pages < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(pages);
}

static PyObject *link_open(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  if (zb_records_open() < 0 || zb_identity_open() < 0 || zb_link_open() < 0 || zb_capture_open() < 0 ||
      zb_input_open() < 0 || zb_interrupt_open() < 0 || zb_others_open() < 0) {
    return PyErr_SetFromErrno(PyExc_OSError);
  }
  if (pthread_atfork(NULL, NULL, detach) != 0) return PyErr_NoMemory();
  Py_RETURN_NONE;
}

static PyObject *arenas_in_heap(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args)) {
  zb_arenas_in_heap();
  Py_RETURN_NONE;
}

static PyObject *fill_heap(PyObject *Py_UNUSED(self), PyObject *bytes) {
  const size_t size = PyLong_AsSize_t(bytes);
  if (PyErr_Occurred()) return NULL;
  zb_heap_touch();
  zb_heap_fill(size);
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"open", link_open, METH_NOARGS, "Map the link and put descriptors 1 and 2 in place."},
    {"huge_text", huge_text, METH_NOARGS, "Put the interpreter's code into huge pages; returns how many."},
    {"arenas_in_heap", arenas_in_heap, METH_NOARGS,
     "Python's small objects are in malloc's heap, which keeps its pages."},
    {"fill_heap", fill_heap, METH_O, "The heap gets so many bytes more, which are there already."},
    {"receive", receive, METH_NOARGS, "Wait for the next record."},
    {"begin_input", begin_input, METH_VARARGS, "Standard input of a cell begins."},
    {"end_input", end_input, METH_NOARGS, "The cell's input is discarded."},
    {"read_input", read_input, METH_VARARGS, "Some of the cell's input, or at most a line."},
    {"send", link_send, METH_VARARGS, "Send one control payload."},
    {"send_bundle", send_bundle, METH_VARARGS, "Send all parts of one bundle."},
    {"show", show, METH_O, "Show all parts of one bundle."},
    {"write", (PyCFunction)(void (*)(void))link_write, METH_FASTCALL, "Write output of the running cell."},
    {"begin", begin, METH_O, "A cell begins."},
    {"end", end, METH_NOARGS, "The cell's code has ended."},
    {"finish", finish, METH_NOARGS, "The cell has been reported."},
    {"disown_output", disown_output, METH_NOARGS, "What is written from here on belongs to no cell."},
    {"interrupted", interrupted, METH_NOARGS, "For the SIGINT handler: whether to raise."},
    {"wrap_interrupts", wrap_interrupts, METH_NOARGS, "After the SIGINT handler was installed."},
    {"flush", flush, METH_NOARGS, "Move everything written to descriptors 1 and 2."},
    {"detached", is_detached, METH_NOARGS, "Whether this is a child without the link."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_zblink", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__zblink(void) {
  PyObject *m = PyModule_Create(&module);
  if (m != NULL && (PyModule_AddFunctions(m, zblink_identity_calls) < 0 || zblink_add_constants(m) < 0)) {
    Py_DECREF(m);
    return NULL;
  }
  return m;
}
