/* One member of a struct as CSV or JSON; its description is a struct field. */
#ifndef AGENT_CTL_PRINT_CELL_H
#define AGENT_CTL_PRINT_CELL_H

#include "agent/ctl/print/format.h"
#include "agent/ctl/snapshot/field.h"

#include <stdio.h>

/* Quotes as RFC 4180 2.6 and 2.7 ask. Prints nothing for an unknown value; a
 * list is joined by spaces. */
void cell_put_csv(FILE *out, const struct field *f, const void *row);

/* Adds the value to `object` under the field's key; an unknown value is null.
 * False: no memory. */
bool cell_add_json(
    json_t *object, const struct field *f, const void *row) MUST_USE;

/* For sentences and the live view: "?" if it is not known. */
void cell_int_text(
    char out[static FORMAT_MAX], struct field_int n, format_fn *show);

#endif
