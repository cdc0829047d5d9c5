// SPDX-License-Identifier: Apache-2.0
// `fovea data list | show | check | get`: the data sets known by name, what is in them, and where they come from.
#include "data.h"

#include "commands.h"

static const cli_command *const actions[] = {&cli_data_list, &cli_data_show, &cli_data_check, &cli_data_get, NULL};

const cli_command cli_data = {
    .name = "data",
    .arguments = "",
    .sentence = "List, look at, check and download data sets",
    .details =
        "Data sets are searched in --path, $FOVEA_DATA, the cache ($XDG_CACHE_HOME/fovea or ~/.cache/fovea), and "
        "where Debian's packages put them.",
    .actions = actions,
};
