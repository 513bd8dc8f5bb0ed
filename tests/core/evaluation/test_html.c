#include <criterion/criterion.h>

#include "core/base/memory.h"
#include "core/evaluation/html.h"

static char *escaped(const char *text)
{
    char *page = NULL;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    spira_html_text(text, out);
    fclose(out);
    return page;
}

Test(html, text_cannot_leave_its_place)
{
    SPIRA_CLEANUP(spira_free_at)
    char *page = escaped("<b onclick=\"x('&')\">");
    cr_assert_str_eq(page, "&lt;b onclick=&quot;x(&#39;&amp;&#39;)&quot;&gt;");
}

Test(html, keeps_utf8_and_newlines_and_marks_control_characters)
{
    SPIRA_CLEANUP(spira_free_at)
    char *page = escaped("insufici\xc3\xaancia\n\x01\x7f");
    cr_assert_str_eq(page, "insufici\xc3\xaancia\n\xef\xbf\xbd\xef\xbf\xbd");
}
