#include "support/json.h"

#include <math.h>

int cli_json_print(json_t *value, bool pretty) {
    size_t flags = JSON_REAL_PRECISION(9) | (pretty ? JSON_INDENT(2) : JSON_COMPACT);
    int code = CLI_OK;
    if (!value || json_dumpf(value, stdout, flags) != 0) {
        // a failure to write shows at the end of main
        code = value && ferror(stdout) ? CLI_FAILED : cli_fail_memory();
    } else {
        putchar('\n');
        fflush(stdout); // whoever reads line by line sees it now
    }
    json_decref(value);
    return code;
}

json_t *cli_json_text(const char *text) {
    fv__text clean = {0};
    fv__text_add_utf8(&clean, text);
    json_t *value = clean.failed ? NULL : json_string(clean.bytes ? clean.bytes : "");
    fv__text_free(&clean);
    return value;
}

json_t *cli_json_number(double number) {
    return isfinite(number) ? json_real(number) : json_null();
}

void cli_json_metrics(json_t *object, const char *prefix, const fv_metrics *metrics) {
    fv__named_value values[FV__METRIC_VALUES];
    int count = fv__metrics_name(metrics, prefix, values);
    for (int i = 0; i < count; i++) {
        json_object_set_new(object, values[i].name, cli_json_number(values[i].value));
    }
}
