/* What the parts of the module _zblink share. Each returns -1 with a Python exception set. */
#ifndef ZEROBOOT_PYTHON_CALLS_H
#define ZEROBOOT_PYTHON_CALLS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

/* Sends all of it, unless a signal's handler raises meanwhile. */
int zblink_send_all(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const char *data, Py_ssize_t length,
                    int control);

/* The next record, where it is an identity and taking it needs no Python. */
int zblink_take_identity(void);
extern PyMethodDef zblink_identity_calls[];

int zblink_add_constants(PyObject *module);

#endif
