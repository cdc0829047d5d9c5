// Pictures of a model's weights, for `fovea plot`.
#ifndef FOVEA_CLI_PLOT_H
#define FOVEA_CLI_PLOT_H

#include "model/model.h"
#include "support/cli.h"

// The kernels of the first layer as little images. FV_INVALID when it sees no pixels side by side.
fv_status cli_plot_filters(const fv_model *model, const char *path, fv_error *error);

// For each position a map of the cosine between its embedding and all others (Dosovitskiy et al. 2020, figure 7).
fv_status cli_plot_positions(const fv_model *model, const char *path, fv_error *error);

#endif
