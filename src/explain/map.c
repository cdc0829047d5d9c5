// SPDX-License-Identifier: Apache-2.0
// A map by one of the methods, each of which has a file of its own.
#include "base/options.h"
#include "explain/explainer.h"

fv_status fv_explainer_map(fv_explainer *explainer, fv_explain_method method, const fv_explain_options *options,
                           float *map, fv_error *error) {
    typedef fv_status explain_method(fv_explainer *, const fv_explain_options *, float *, fv_error *);
    static explain_method *const methods[] = {
        [FV_EXPLAIN_ATTENTION] = fv__explain_attention, [FV_EXPLAIN_ROLLOUT] = fv__explain_rollout,
        [FV_EXPLAIN_GRADIENT] = fv__explain_gradient,   [FV_EXPLAIN_GRAD_CAM] = fv__explain_grad_cam,
        [FV_EXPLAIN_OCCLUSION] = fv__explain_occlusion,
    };
    static const fv_explain_options defaults = FV_EXPLAIN_OPTIONS;
    if (!explainer->image) {
        return fv__fail(error, FV_INVALID, "no image to explain yet: call fv_explainer_set_image first");
    }
    if ((unsigned)method >= sizeof methods / sizeof *methods) {
        return fv__fail(error, FV_INVALID, "there is no method %d", (int)method);
    }
    FV__TAKE(fv_explain_options, options ? options : &defaults, error);
    return methods[method](explainer, &own, map, error);
}
