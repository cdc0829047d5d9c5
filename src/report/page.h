// SPDX-License-Identifier: Apache-2.0
// What an HTML page is made of. Everything goes to a growing text, whose failure to grow shows at its end.
#ifndef FOVEA_REPORT_PAGE_H
#define FOVEA_REPORT_PAGE_H

#include "base/error.h"
#include "base/text.h"

// Text as it is read, with what HTML would take for markup escaped; fine between quotes too.
void fv__page_text(fv__text *page, const char *text);

// "…" for JSON inside <script>.
void fv__page_json(fv__text *page, const char *text);

// 12,345
void fv__page_count(fv__text *page, double number);

void fv__page_base64(fv__text *page, const uint8_t *bytes, size_t size);

// Pixels (height, width, channels) as the address of a PNG: data:image/png;base64,… What is larger than `largest` a
// side is shrunk to a half, a third, …
fv_status fv__page_picture(fv__text *page, const uint8_t *pixels, int height, int width, int channels, int largest,
                           fv_error *error);

// <tr><th>name<td>text
void fv__page_row(fv__text *page, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
