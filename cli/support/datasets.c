// SPDX-License-Identifier: Apache-2.0
#include "support/datasets.h"

#include "support/say.h"

void cli_say_left_out(const fv_dataset *data) {
    enum { NAMED = 10 };
    const fv_dataset_info *info = fv_dataset_get_info(data);
    const size_t count = info->left_out;
    for (size_t i = 0; i < count && i < NAMED; i++) {
        cli_say("left out: %s", fv_dataset_left_out(data, i));
    }
    if (count > NAMED) {
        cli_say("left out: %zu more; `fovea data check %s` names them", count - NAMED, info->folder);
    }
}
