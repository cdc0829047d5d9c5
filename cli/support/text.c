// SPDX-License-Identifier: Apache-2.0
#include "support/text.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "support/memory.h"

// --- Characters

// The character at `text`, and in *bytes how many bytes it takes; -1 for one byte that is not UTF-8 (Unicode 15, table
// 3-7: nothing overlong, no surrogates).
static long decode(const char *text, int *bytes) {
    static const long least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *byte = (const unsigned char *)text;
    const int more = byte[0] < 0xC0 ? 0 : byte[0] < 0xE0 ? 1 : byte[0] < 0xF0 ? 2 : 3;
    bool good = byte[0] < 0x80 || (byte[0] >= 0xC2 && byte[0] <= 0xF4);
    long code = more ? byte[0] & (0x3F >> more) : byte[0];
    for (int i = 1; i <= more && good; i++) {
        good = (byte[i] & 0xC0) == 0x80; // false at the end of the text, too
        code = code << 6 | (byte[i] & 0x3F);
    }
    good = good && code >= least[more] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    *bytes = good ? more + 1 : 1;
    return good ? code : -1;
}

static int width_of(long code) {
    const int width = wcwidth((wchar_t)code); // -1 where the locale does not know the character
    return width < 0 ? 1 : width;
}

int cli_fitting(const char *text, int width) {
    int used = 0, bytes;
    for (int columns = 0; text[used]; used += bytes) {
        columns += width_of(decode(text + used, &bytes));
        if (columns > width) {
            break;
        }
    }
    return used;
}

int cli_columns(const char *text) {
    int columns = 0, bytes;
    for (; *text; text += bytes) {
        columns += width_of(decode(text, &bytes));
    }
    return columns;
}

bool cli_utf8(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

// --- Escaping

// `escape` is called for every character that must not be shown, which `shows` decides.
static char *rewrite(const char *text, bool (*shows)(long code), void (*escape)(FILE *out, char byte)) {
    char *copy;
    size_t size;
    FILE *out = cli_stream(&copy, &size);
    for (int bytes; *text; text += bytes) {
        const bool shown = shows(decode(text, &bytes));
        for (int i = 0; i < bytes; i++) {
            if (shown) {
                fputc(text[i], out);
            } else {
                escape(out, text[i]);
            }
        }
    }
    fclose(out);
    return copy;
}

// Neither ASCII's control characters nor those from U+0080 to U+009F, which some terminals obey, too.
static bool is_harmless(long code) {
    return code >= 0x20 && (code < 0x7F || code > 0x9F);
}

static void write_escaped(FILE *out, char byte) {
    const char *known = byte ? strchr("\nn\rr\tt", byte) : NULL;
    if (known) {
        fprintf(out, "\\%c", known[1]);
    } else {
        fprintf(out, "\\x%02x", (unsigned char)byte);
    }
}

char *cli_escape(const char *text) {
    return rewrite(text, is_harmless, write_escaped);
}

static bool is_character(long code) {
    return code >= 0;
}

static void write_replacement(FILE *out, char byte) {
    (void)byte;
    fputs("\xEF\xBF\xBD", out);
}

char *cli_clean(const char *text) {
    return rewrite(text, is_character, write_replacement);
}

// --- Lines

void cli_line_list(FILE *out, const char *start, const char *format, va_list arguments) {
    char *text;
    if (vasprintf(&text, format, arguments) < 0) {
        return;
    }
    char *escaped = cli_escape(text);
    fprintf(out, "%s%s\n", start, escaped);
    free(escaped);
    free(text);
}

void cli_line(FILE *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cli_line_list(out, "", format, arguments);
    va_end(arguments);
}

void cli_wrap(FILE *out, const char *text, int indent, int column) {
    enum { WIDTH = 80 };
    for (bool fresh = true; *text; fresh = false) {
        const int bytes = (int)strcspn(text, " \n");
        char *word = cli_format("%.*s", bytes, text);
        const int columns = cli_columns(word);
        if (!fresh && column + 1 + columns > WIDTH) {
            fputc('\n', out);
            column = 0;
        } else if (!fresh && column > indent) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%*s%s", column < indent ? indent - column : 0, "", word);
        column = (column < indent ? indent : column) + columns;
        free(word);
        text += bytes;
        if (text[0] == '\n' && text[1] == '\n') {
            fputs("\n\n", out);
            column = 0;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}
