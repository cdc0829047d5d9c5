// SPDX-License-Identifier: Apache-2.0
#include "train/metrics.h"

#include <stdio.h>

int fv__largest_logit(const float *logits, int classes) {
    int best = 0;
    for (int c = 1; c < classes; c++) {
        best = logits[c] > logits[best] ? c : best;
    }
    return best;
}

static int count_larger(const float *logits, int classes, int label) {
    int larger = 0;
    for (int c = 0; c < classes; c++) {
        larger += logits[c] > logits[label];
    }
    return larger;
}

void fv__metrics_add(fv__metrics *metrics, const int top_k[FV_MAX_TOP], int classes, const float *losses,
                     const float *logits, const fv__target *targets, int samples) {
    for (int s = 0; s < samples; s++) {
        const float *row = logits + (size_t)s * (size_t)classes;
        int label = targets[s].label;
        metrics->loss += (double)losses[s];
        metrics->samples++;
        metrics->correct += fv__largest_logit(row, classes) == label;
        if (top_k[0]) {
            int larger = count_larger(row, classes, label);
            for (int k = 0; k < FV_MAX_TOP && top_k[k]; k++) {
                metrics->top[k] += larger < top_k[k];
            }
        }
    }
}

void fv__metrics_join(fv__metrics *metrics, const fv__metrics *other) {
    metrics->loss += other->loss;
    metrics->samples += other->samples;
    metrics->correct += other->correct;
    for (int k = 0; k < FV_MAX_TOP; k++) {
        metrics->top[k] += other->top[k];
    }
}

fv_metrics fv__metrics_means(const fv__metrics *metrics, const int top_k[FV_MAX_TOP]) {
    fv_metrics means = {.samples = (size_t)metrics->samples};
    double samples = metrics->samples ? (double)metrics->samples : 1;
    means.loss = metrics->loss / samples;
    means.accuracy = (double)metrics->correct / samples;
    for (int k = 0; k < FV_MAX_TOP && top_k[k]; k++) {
        means.top_k[k] = top_k[k];
        means.top[k] = (double)metrics->top[k] / samples;
    }
    return means;
}

int fv__metrics_name(const fv_metrics *metrics, const char *prefix, fv__named_value values[FV__METRIC_VALUES]) {
    int count = 0;
    snprintf(values[count].name, sizeof values->name, "%sloss", prefix);
    values[count++].value = metrics->loss;
    snprintf(values[count].name, sizeof values->name, "%saccuracy", prefix);
    values[count++].value = metrics->accuracy;
    for (int k = 0; k < FV_MAX_TOP && metrics->top_k[k]; k++) {
        snprintf(values[count].name, sizeof values->name, "%stop%d", prefix, metrics->top_k[k]);
        values[count++].value = metrics->top[k];
    }
    return count;
}
