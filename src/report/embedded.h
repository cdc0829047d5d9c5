// SPDX-License-Identifier: Apache-2.0
// The fixed parts of a report: page.css, explorer.html and explorer.js, made part of the library by
// cmake/embed_page.cmake.
#ifndef FOVEA_REPORT_EMBEDDED_H
#define FOVEA_REPORT_EMBEDDED_H

extern const char fv__report_style[], fv__report_explorer_markup[], fv__report_script[];

#endif
