// SPDX-License-Identifier: Apache-2.0
// Making an explainer, running it on an image, and what it says of itself.
//
// It runs the graph as its layers write it, not the algebra pass's: there every attention layer still has weights, and
// every token is still there. Gradients start from the inner product of the logits and a direction, so that one plan
// serves every class. No weight wants a gradient: the backward pass reaches down to the lowest node that does.
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "explain/explainer.h"

// --- Making one

// The last value that is an image of places which lie over the model's image, on the way to the logits.
static int find_stage(const fv_explainer *explainer, const bool *reaches) {
    for (int n = explainer->model->output; n > explainer->model->input; n--) {
        const fv__token_grid *grid = &explainer->grids[n];
        const fv__shape *shape = fv__graph_shape(&explainer->graph, n);
        if (reaches[n] && grid->placed && grid->before == 0 && shape->rank == 3 && shape->size[0] == grid->rows &&
            shape->size[1] == grid->columns) {
            return n;
        }
    }
    return -1;
}

static fv_status find_places(fv_explainer *explainer, fv_error *error) {
    const fv__graph *graph = &explainer->graph;
    bool *reaches = fv__alloc_array((size_t)graph->node_count, sizeof *reaches);
    explainer->grids = fv__alloc_array((size_t)graph->node_count, sizeof *explainer->grids);
    if (!reaches || !explainer->grids) {
        fv__free(reaches);
        return fv__fail_memory(error, "the explainer");
    }
    fv__geometry(graph, explainer->model->input, explainer->grids);
    reaches[explainer->model->output] = true;
    for (int n = explainer->model->output; n >= 0; n--) {
        for (int i = 0; reaches[n] && i < graph->nodes[n].view.input_count; i++) {
            reaches[graph->nodes[n].inputs[i]] = true;
        }
    }
    explainer->stage = find_stage(explainer, reaches);
    fv__free(reaches);
    return FV_OK;
}

// The graph with what gradients start from.
static fv_status make_graph(fv_explainer *explainer, fv_error *error) {
    const fv_model *model = explainer->model;
    fv__graph *graph = &explainer->graph;
    FV__TRY(fv__graph_copy(&model->graph, graph, error));
    for (int p = 0; p < graph->parameter_count; p++) {
        graph->parameters[p].trainable = false;
    }
    const fv__shape logits = *fv__graph_shape(graph, model->output); // adding moves the nodes
    FV__TRY(fv__graph_add_input(graph, "direction", &logits, &explainer->direction, error));
    const int inputs[2] = {model->output, explainer->direction};
    return fv__graph_add(graph, "target", &fv__op_dot, NULL, inputs, 2, &explainer->root, error);
}

// What a plan is asked for besides its root.
typedef struct request {
    int *kept, kept_count, *auxiliary, auxiliary_count;
} request;

static bool gather(const fv_explainer *explainer, bool backward, request *out) {
    *out = (request){.kept = fv__alloc_array((size_t)explainer->layer_count + 2, sizeof(int)),
                     .auxiliary = fv__alloc_array((size_t)explainer->layer_count + 1, sizeof(int))};
    if (!out->kept || !out->auxiliary) {
        return false;
    }
    for (int i = 0; i < explainer->layer_count; i++) {
        const fv__attention_layer *layer = &explainer->layers[i];
        if (layer->slots) {
            out->kept[out->kept_count++] = layer->node;
        } else if (backward) { // the weights are there already, from `forward`
            out->kept[out->kept_count++] = explainer->graph.nodes[layer->node].inputs[2];
        } else {
            out->auxiliary[out->auxiliary_count++] = layer->node;
        }
    }
    if (backward && explainer->stage >= 0) {
        out->kept[out->kept_count++] = explainer->stage;
    }
    return true;
}

static fv_status make_plan(const fv_explainer *explainer, bool backward, fv__plan **out, fv_error *error) {
    request asked;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(gather(explainer, backward, &asked) ? FV_OK : fv__fail_memory(error, "the explainer"));
    const fv__plan_options options = {.batch = 1,
                                      .backward = backward,
                                      .root = backward ? explainer->root : explainer->model->output,
                                      .kept = asked.kept,
                                      .kept_count = asked.kept_count,
                                      .auxiliary = asked.auxiliary,
                                      .auxiliary_count = asked.auxiliary_count};
    FV__TRY_OR_DONE(fv__runner_plan(&explainer->runner, &explainer->graph, &options, out, error));
done:
    fv__free(asked.kept);
    fv__free(asked.auxiliary);
    return status;
}

static fv_status prepare(fv_explainer *explainer, fv_error *error) {
    FV__TRY(make_graph(explainer, error));
    FV__TRY(find_places(explainer, error));
    FV__TRY(fv__explainer_find_layers(explainer, error));
    for (int i = 0; i < explainer->layer_count; i++) {
        explainer->graph.nodes[explainer->layers[i].node].wants_gradient = true;
    }
    if (explainer->stage >= 0) {
        explainer->graph.nodes[explainer->stage].wants_gradient = true;
    }
    explainer->probabilities = fv__alloc_array((size_t)explainer->model->classes, sizeof *explainer->probabilities);
    FV__TRY(explainer->probabilities ? FV_OK : fv__fail_memory(error, "the explainer"));
    FV__TRY(fv__runner_start(&explainer->runner, explainer->threads, error));
    fv__explainer_describe_layers(explainer);
    explainer->result.layers = explainer->layer_count;
    return make_plan(explainer, false, &explainer->forward, error);
}

fv_status fv_explainer_create(const fv_model *model, const fv_explainer_options *options, fv_explainer **out,
                              fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_explainer_options, options, error);
    if (!model->classes) {
        return fv__fail(error, FV_INVALID,
                        "the last layer gives %s, but an explanation is about a class: add flatten "
                        "or global_average_pool, then dense",
                        fv__shape_print(fv__graph_shape(&model->graph, model->output)).text);
    }
    fv_explainer *explainer = fv__alloc(sizeof *explainer);
    if (!explainer) {
        return fv__fail_memory(error, "the explainer");
    }
    explainer->model = model;
    explainer->weights_version = model->weights_version;
    explainer->threads = own.threads;
    fv__graph_init(&explainer->graph);
    const fv_status status = prepare(explainer, error);
    if (status) {
        fv_explainer_free(explainer);
        return status;
    }
    *out = explainer;
    return FV_OK;
}

void fv_explainer_free(fv_explainer *explainer) {
    if (!explainer) {
        return;
    }
    fv__plan_destroy(explainer->forward);
    fv__plan_destroy(explainer->backward);
    fv__runner_stop(&explainer->runner);
    fv_predictor_free(explainer->predictor);
    for (int i = 0; i < explainer->layer_count; i++) {
        fv__free(explainer->layers[i].transposed);
    }
    fv__free(explainer->layers);
    fv__free(explainer->grids);
    fv__free(explainer->image);
    fv__free(explainer->probabilities);
    fv__graph_free(&explainer->graph);
    fv__free(explainer);
}

// --- Looking at an image

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    (void)first;
    (void)worker;
    (void)error;
    const fv_explainer *explainer = context;
    if (input == explainer->direction) {
        memset(out, 0, (size_t)explainer->model->classes * sizeof *out);
        out[explainer->target] = 1;
    } else {
        fv__model_preprocess(explainer->model, explainer->image, count, out);
    }
    return FV_OK;
}

static fv_status run(fv_explainer *explainer, fv__plan *plan, fv_error *error) {
    if (explainer->weights_version != explainer->model->weights_version) {
        explainer->weights_version = explainer->model->weights_version;
        fv__plan_weights_changed(explainer->forward);
        if (explainer->backward) {
            fv__plan_weights_changed(explainer->backward);
        }
    }
    const fv__feed feed = {.samples = 1, .weights = explainer->model->weights, .render = render, .context = explainer};
    return fv__runner_run(&explainer->runner, plan, &feed, error);
}

fv_status fv_explainer_set_image(fv_explainer *explainer, const uint8_t *image, int target, fv_error *error) {
    const fv_model *model = explainer->model;
    const int classes = model->classes;
    const size_t bytes = fv__model_image_bytes(model);
    if (target < -1 || target >= classes) {
        return fv__fail(error, FV_INVALID, "there is no class %d: they are 0 to %d, or -1 for the likeliest", target,
                        classes - 1);
    }
    explainer->differentiated = false;
    if (!explainer->image) {
        explainer->image = fv__alloc(bytes);
        FV__TRY(explainer->image ? FV_OK : fv__fail_memory(error, "an image"));
    }
    memcpy(explainer->image, image, bytes);
    FV__TRY(run(explainer, explainer->forward, error));
    FV__TRY(fv__model_softmax(fv__plan_value(explainer->forward, model->output), classes, 0, explainer->probabilities,
                              error));
    explainer->predicted = 0;
    for (int c = 1; c < classes; c++) {
        explainer->predicted =
            explainer->probabilities[c] > explainer->probabilities[explainer->predicted] ? c : explainer->predicted;
    }
    explainer->target = target < 0 ? explainer->predicted : target;
    fv__explainer_read_layers(explainer);
    fv__explainer_describe_layers(explainer);
    explainer->result = (fv_explained){.target = explainer->target,
                                       .predicted = explainer->predicted,
                                       .probabilities = explainer->probabilities,
                                       .layers = explainer->layer_count};
    return FV_OK;
}

fv_status fv__explainer_predictor(fv_explainer *explainer, fv_predictor **out, fv_error *error) {
    const fv_predictor_options options = {.size = sizeof options, .threads = explainer->threads};
    if (!explainer->predictor) {
        FV__TRY(fv_predictor_create(explainer->model, &options, &explainer->predictor, error));
    }
    *out = explainer->predictor;
    return FV_OK;
}

fv_status fv__explainer_differentiate(fv_explainer *explainer, fv_error *error) {
    if (explainer->differentiated) {
        return FV_OK;
    }
    if (!explainer->backward) {
        FV__TRY(make_plan(explainer, true, &explainer->backward, error));
    }
    FV__TRY(run(explainer, explainer->backward, error));
    explainer->differentiated = true;
    return FV_OK;
}

const fv_explained *fv_explainer_get_result(const fv_explainer *explainer) {
    return &explainer->result;
}

void fv__explainer_mean_colour(const fv_explainer *explainer, uint8_t *colour) {
    const int *size = explainer->model->input_settings.size.values;
    const size_t places = (size_t)size[0] * (size_t)size[1], channels = (size_t)size[2];
    for (size_t c = 0; c < channels && places > 0; c++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < places; i++) {
            sum += explainer->image[i * channels + c];
        }
        colour[c] = (uint8_t)((sum + places / 2) / places);
    }
}
