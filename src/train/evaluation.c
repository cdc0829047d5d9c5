// SPDX-License-Identifier: Apache-2.0
// Confusion matrix, precision and recall (van Rijsbergen 1979, "Information Retrieval", chapter 7), and the expected
// calibration error (Guo et al. 2017, "On calibration of modern neural networks", equation 3):
//   ECE = Σ over bins of (samples in the bin / all) · |accuracy in the bin - mean confidence in the bin|
// where confidence is the probability of the predicted class and bin m of M holds those in ((m-1)/M, m/M].
#include "train/evaluation.h"

#include <math.h>

#include "base/memory.h"

fv_status fv__evaluation_create(int classes, size_t samples, fv_evaluation **out, fv_error *error) {
    const size_t width = (size_t)classes;
    fv_evaluation *made = *out = fv__alloc(sizeof *made);
    if (!made) {
        return fv__fail_memory(error, "the evaluation");
    }
    *made = (fv_evaluation){.class_count = classes,
                            .confusion = fv__alloc_array(width * width, sizeof *made->confusion),
                            .classes = fv__alloc_array(width, sizeof *made->classes),
                            .labels = fv__alloc_array(samples + 1, sizeof *made->labels),
                            .predicted = fv__alloc_array(samples + 1, sizeof *made->predicted),
                            .confidence = fv__alloc_array(samples + 1, sizeof *made->confidence)};
    return made->confusion && made->classes && made->labels && made->predicted && made->confidence
               ? FV_OK
               : fv__fail_memory(error, "the evaluation");
}

void fv_evaluation_free(fv_evaluation *evaluation) {
    if (evaluation) {
        fv__free(evaluation->confusion);
        fv__free(evaluation->classes);
        fv__free(evaluation->labels);
        fv__free(evaluation->predicted);
        fv__free(evaluation->confidence);
        fv__free(evaluation);
    }
}

// Samples of class `label` taken for `predicted`.
static size_t *count_of(const fv_evaluation *evaluation, int label, int predicted) {
    return &evaluation->confusion[(size_t)label * (size_t)evaluation->class_count + (size_t)predicted];
}

// The softmax probability of the largest logit.
static double confidence_of(const float *logits, int classes, int largest) {
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        sum += exp((double)logits[c] - (double)logits[largest]);
    }
    return 1 / sum;
}

static fv_calibration_bin *bin_of(fv_evaluation *evaluation, double confidence) {
    int bin = confidence > 0 ? (int)ceil(confidence * FV_CALIBRATION_BINS) - 1 : 0; // 0 also for NaN
    return &evaluation->bins[bin < FV_CALIBRATION_BINS ? bin : FV_CALIBRATION_BINS - 1];
}

void fv__evaluation_add(fv_evaluation *evaluation, const float *logits, const int32_t *labels, int count) {
    const int classes = evaluation->class_count;
    for (int s = 0; s < count; s++, logits += classes) {
        int predicted = fv__largest_logit(logits, classes);
        double confidence = confidence_of(logits, classes, predicted);
        fv_calibration_bin *bin = bin_of(evaluation, confidence);
        *count_of(evaluation, labels[s], predicted) += 1;
        evaluation->labels[evaluation->samples] = labels[s];
        evaluation->predicted[evaluation->samples] = predicted;
        evaluation->confidence[evaluation->samples] = (float)confidence;
        evaluation->samples++;
        bin->samples++;
        bin->confidence += confidence; // sums until the end
        bin->accuracy += labels[s] == predicted;
    }
}

static double ratio(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

static void finish_classes(fv_evaluation *evaluation) {
    const int classes = evaluation->class_count;
    int occurring = 0;
    for (int c = 0; c < classes; c++) {
        fv_class_metrics *class = &evaluation->classes[c];
        size_t right = *count_of(evaluation, c, c);
        for (int other = 0; other < classes; other++) {
            class->support += *count_of(evaluation, c, other);
            class->predicted += *count_of(evaluation, other, c);
        }
        class->precision = ratio((double)right, (double)class->predicted);
        class->recall = ratio((double)right, (double)class->support);
        class->f1 = ratio(2 * (double)right, (double)(class->predicted + class->support));
        evaluation->precision += class->precision;
        evaluation->recall += class->recall;
        evaluation->f1 += class->f1;
        occurring += class->predicted + class->support > 0;
    }
    evaluation->precision = ratio(evaluation->precision, occurring);
    evaluation->recall = ratio(evaluation->recall, occurring);
    evaluation->f1 = ratio(evaluation->f1, occurring);
}

void fv__evaluation_finish(fv_evaluation *evaluation) {
    finish_classes(evaluation);
    for (int b = 0; b < FV_CALIBRATION_BINS; b++) {
        fv_calibration_bin *bin = &evaluation->bins[b];
        double gap = fabs(bin->accuracy - bin->confidence);
        evaluation->calibration_error += ratio(gap, (double)evaluation->samples);
        bin->accuracy = ratio(bin->accuracy, (double)bin->samples);
        bin->confidence = ratio(bin->confidence, (double)bin->samples);
    }
}

size_t fv_evaluation_find_mistakes(const fv_evaluation *evaluation, size_t most, size_t *samples) {
    size_t count = 0;
    for (size_t i = 0; i < evaluation->samples; i++) {
        size_t place = count;
        if (evaluation->predicted[i] == evaluation->labels[i]) {
            continue;
        }
        while (place > 0 && evaluation->confidence[i] > evaluation->confidence[samples[place - 1]]) {
            place--;
        }
        if (place < most) {
            count += count < most;
            for (size_t later = count - 1; later > place; later--) {
                samples[later] = samples[later - 1];
            }
            samples[place] = i;
        }
    }
    return count;
}
