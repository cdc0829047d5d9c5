// SPDX-License-Identifier: Apache-2.0
// Grad-CAM (Selvaraju et al. 2017): with F the last convolutional image and y the target's logit,
//   map = max(0, Σ_c α_c · F_c),  α_c the mean over the places of ∂y/∂F_c
#include "base/memory.h"
#include "explain/explainer.h"

fv_status fv__explain_grad_cam(fv_explainer *explainer, const fv_explain_options *options, float *map,
                               fv_error *error) {
    if (explainer->stage < 0) {
        return fv__fail(error, FV_UNSUPPORTED, "the model has no convolutional image (height, width, channels)");
    }
    fv_status status = FV_OK;
    FV__TRY(fv__explainer_differentiate(explainer, error));
    const fv__token_grid *grid = &explainer->grids[explainer->stage];
    const float *image = fv__plan_value(explainer->backward, explainer->stage);
    const float *gradient = fv__plan_gradient(explainer->backward, explainer->stage);
    const size_t places = (size_t)fv__token_count(grid);
    const size_t channels = (size_t)fv__graph_shape(&explainer->graph, explainer->stage)->size[2];
    double *factors = fv__alloc_array(channels, sizeof *factors), *values = fv__alloc_array(places, sizeof *values);
    FV__TRY_OR_DONE(factors && values ? FV_OK : fv__fail_memory(error, "a heat map"));
    for (size_t i = 0; i < places * channels; i++) {
        factors[i % channels] += (double)gradient[i] / (double)places;
    }
    for (size_t p = 0; p < places; p++) {
        for (size_t c = 0; c < channels; c++) {
            values[p] += factors[c] * (double)image[p * channels + c];
        }
        values[p] = values[p] > 0 ? values[p] : 0;
    }
    fv__explain_paint(explainer, grid, values, options->blocky, map);
done:
    fv__free(factors);
    fv__free(values);
    return status;
}
