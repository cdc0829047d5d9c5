#include "support/datasets.h"

#include <string.h>

#include "data/registry.h"
#include "support/paths.h"
#include "support/say.h"

bool cli_is_photos(const char *argument) {
    return strchr(argument, '/') ||
           (!fv__dataset_info_find(argument, NULL) && (cli_is_folder(argument) || cli_is_file(argument)));
}

void cli_say_left_out(const fv_dataset *data) {
    enum { NAMED = 10 };
    const size_t count = fv_dataset_get_info(data)->left_out;
    for (size_t i = 0; i < count && i < NAMED; i++) {
        cli_say("left out: %s", fv_dataset_left_out(data, i));
    }
    if (count > NAMED) {
        cli_say("left out: %zu more; `fovea data check %s` names them", count - NAMED, data->folder);
    }
}
