// SPDX-License-Identifier: Apache-2.0
#include "report/report.h"

#include "formats/file.h"
#include "report/embedded.h"

static void add_head(const fv__report *report, fv__text *page) {
    fv__text_add(page, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    fv__page_text(page, report->title);
    fv__text_add(page, "</title>\n<style>\n");
    fv__text_add(page, fv__report_style);
    fv__text_add(page, "</style>\n<main>\n");
}

fv_status fv__report_write(const fv__report *report, const char *path, fv_error *error) {
    fv__text page = {0};
    add_head(report, &page);
    fv_status status = fv__report_overview(report, &page, error);
    status = status ? status : fv__report_explorer(report, &page, error);
    status = status ? status : fv__report_mistakes(report, &page, error);
    status = status ? status : fv__report_classes(report, &page, error);
    status = status ? status : fv__report_charts(report, path, &page, error);
    status = status ? status : fv__report_model(report, &page, error);
    status = status ? status : fv__report_run(report, &page, error);
    fv__text_addf(&page, "</main>\n<footer>Made by fovea %s</footer>\n<script>\n%s</script>\n</html>\n", fv_version(),
                  fv__report_script);
    if (!status) {
        status = page.failed ? fv__fail_memory(error, path) : fv__file_write(path, page.bytes, page.length, error);
    }
    fv__text_free(&page);
    return status;
}
