/* The link's numbers, by the names that the agent uses. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "calls.h"
#include "identity.h"
#include "link_abi.h"

int zblink_add_constants(PyObject *m) {
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
      {"EXECUTE_INSPECT", ZB_EXECUTE_INSPECT},
      {"STDIN_EOF", ZB_STDIN_EOF},
      {"IDENTITY_BY_HOST", ZB_IDENTITY_BY_HOST},
      {"IDENTITY_REFUSED", ZB_IDENTITY_REFUSED},
      {"IDENTITY_ENTROPY_BYTES", ZB_IDENTITY_ENTROPY_BYTES},
      {"IDENTITY_BYTES", ZB_IDENTITY_BYTES},
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
      {"MIME_HTML", ZB_MIME_HTML},
      {"MIME_PNG", ZB_MIME_PNG},
      {"MIME_SVG", ZB_MIME_SVG},
      {"MIME_JSON", ZB_MIME_JSON},
      {"MIME_MARKDOWN", ZB_MIME_MARKDOWN},
      {"MIME_LATEX", ZB_MIME_LATEX},
      {"MIME_JPEG", ZB_MIME_JPEG},
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
