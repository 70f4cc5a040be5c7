/* The symbolic name of an errno value, which is what crosses the wire: the text differs between C libraries. */
#ifndef WINNOW_ERROR_NAME_H
#define WINNOW_ERROR_NAME_H

/* "ENOENT" for 2; "EUNKNOWN" for a number that is not in the table. */
const char *error_name(int number);

#endif
