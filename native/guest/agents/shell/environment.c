#define _GNU_SOURCE
#include "bash.h"

#include "environment.h"

#include <stdlib.h>
#include <string.h>

struct assignment {
  struct assignment *next;
  char *name;
  char *value;
  /* What it hides. */
  int was_set;
  int attributes;
  char *before;
};

static struct assignment *assignments;
static uint16_t owner;

static void forget(void) {
  while (assignments != NULL) {
    struct assignment *of = assignments;
    assignments = of->next;
    free(of->name);
    free(of->before);
    free(of);
  }
}

void zb_environment_add(uint16_t execution, const char *text, size_t length) {
  if (owner != execution) forget();
  owner = execution;
  char *name = xmalloc(length + 1);
  memcpy(name, text, length);
  name[length] = '\0';
  char *equals = strchr(name, '=');
  if (equals != NULL) *equals = '\0';
  /* A shell has no variables of other names. */
  if (equals == NULL || !legal_identifier(name)) {
    free(name);
    return;
  }
  struct assignment *of = xmalloc(sizeof *of);
  *of = (struct assignment){.next = assignments, .name = name, .value = equals + 1};
  assignments = of;
}

static void set(const char *name, const char *value) {
  bind_variable(name, (char *)value, 0);
  stupidly_hack_special_variables((char *)name);
}

void zb_environment_apply(uint16_t execution) {
  if (owner != execution) forget();
  for (struct assignment *of = assignments; of != NULL; of = of->next) {
    const SHELL_VAR *variable = find_variable(of->name);
    of->was_set = variable != NULL && var_isset(variable);
    of->attributes = variable != NULL ? variable->attributes : 0;
    if (of->was_set) of->before = savestring(get_variable_value((SHELL_VAR *)variable));
    if (variable != NULL && readonly_p(variable)) continue;
    set(of->name, of->value);
    set_var_attribute(of->name, att_exported, 0);
  }
  array_needs_making = 1;
}

void zb_environment_undo(void) {
  if (assignments == NULL) return;
  for (struct assignment *of = assignments; of != NULL; of = of->next) {
    if (of->attributes & att_readonly) continue;
    if (of->was_set) {
      set(of->name, of->before);
      set_var_attribute(of->name, att_exported, (of->attributes & att_exported) == 0);
    } else {
      unbind_variable_noref(of->name);
      stupidly_hack_special_variables(of->name);
    }
  }
  forget();
  array_needs_making = 1;
}
