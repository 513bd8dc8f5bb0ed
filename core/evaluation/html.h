/* Text from outside inside a page of HTML or SVG. */
#ifndef SPIRA_CORE_EVALUATION_HTML_H
#define SPIRA_CORE_EVALUATION_HTML_H

#include <stdio.h>

/* Writes text so that it is shown as it is, in content and in quoted attributes; control characters
 * but the newline become U+FFFD. Borrows text. */
void spira_html_text(const char *text, FILE *out);

#endif
