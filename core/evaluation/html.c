#include "core/evaluation/html.h"

static const char *entity(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (character >= 0 && character < ' ' && character != '\n') || character == 0x7f
                   ? "\xef\xbf\xbd"
                   : NULL;
    }
}

void spira_html_text(const char *text, FILE *out)
{
    for (; *text; text++) {
        const char *escaped = entity(*text);
        if (escaped)
            fputs(escaped, out);
        else
            fputc(*text, out);
    }
}
