// SPDX-License-Identifier: Apache-2.0
// Confusion, precision, recall, F1 and calibration against numbers counted another way: sample by sample, from
// probabilities chosen by hand.
#include "scratch.h"

#include <math.h>

#include "train/evaluation.h"

enum { CLASSES = 4, SAMPLES = 10 };

// Class 3 never occurs and is never predicted, class 2 occurs but is never predicted.
static const float probabilities[SAMPLES][CLASSES] = {{0.70F, 0.10F, 0.10F, 0.10F}, {0.05F, 0.85F, 0.05F, 0.05F},
                                                      {0.25F, 0.25F, 0.25F, 0.25F}, {0.41F, 0.29F, 0.20F, 0.10F},
                                                      {0.20F, 0.45F, 0.30F, 0.05F}, {0.97F, 0.01F, 0.01F, 0.01F},
                                                      {0.02F, 0.95F, 0.02F, 0.01F}, {0.61F, 0.19F, 0.15F, 0.05F},
                                                      {0.29F, 0.41F, 0.20F, 0.10F}, {0.90F, 0.05F, 0.03F, 0.02F}};
static const int32_t labels[SAMPLES] = {0, 1, 0, 2, 2, 0, 1, 1, 0, 0};
static const int32_t expected[SAMPLES] = {0, 1, 0, 0, 1, 0, 1, 0, 1, 0}; // of equal ones the first

static fv_evaluation *evaluate(void) {
    float logits[SAMPLES][CLASSES];
    fv_evaluation *evaluation;
    fv_error error;
    for (int i = 0; i < SAMPLES * CLASSES; i++) { // any constant more is the same
        logits[i / CLASSES][i % CLASSES] = logf(probabilities[i / CLASSES][i % CLASSES]) + 3;
    }
    assert_int_equal(fv__evaluation_create(CLASSES, SAMPLES, &evaluation, &error), FV_OK);
    fv__evaluation_add(evaluation, logits[0], labels, 6);
    fv__evaluation_add(evaluation, logits[6], labels + 6, SAMPLES - 6);
    fv__evaluation_finish(evaluation);
    return evaluation;
}

static void assert_near(double got, double wanted) {
    if (!(fabs(got - wanted) < 1e-6)) {
        fail_msg("%.9g instead of %.9g", got, wanted);
    }
}

static void counts_confusions(void **state) {
    (void)state;
    fv_evaluation *evaluation = evaluate();
    assert_int_equal(evaluation->samples, SAMPLES);
    for (int label = 0; label < CLASSES; label++) {
        for (int predicted = 0; predicted < CLASSES; predicted++) {
            size_t count = 0;
            for (int s = 0; s < SAMPLES; s++) {
                count += labels[s] == label && expected[s] == predicted;
            }
            assert_int_equal(evaluation->confusion[label * CLASSES + predicted], count);
        }
    }
    for (int s = 0; s < SAMPLES; s++) {
        assert_int_equal(evaluation->predicted[s], expected[s]);
        assert_near((double)evaluation->confidence[s], (double)probabilities[s][expected[s]]);
    }
    fv_evaluation_free(evaluation);
    fv_evaluation_free(NULL);
}

static void rates_classes(void **state) {
    (void)state;
    fv_evaluation *evaluation = evaluate();
    const struct {
        double precision, recall, f1;
        size_t support, predicted;
    } wanted[CLASSES] = {
        {4.0 / 6, 4.0 / 5, 8.0 / 11, 5, 6}, {2.0 / 4, 2.0 / 3, 4.0 / 7, 3, 4}, {0, 0, 0, 2, 0}, {0, 0, 0, 0, 0}};
    for (int c = 0; c < CLASSES; c++) {
        const fv_class_metrics *class = &evaluation->classes[c];
        assert_near(class->precision, wanted[c].precision);
        assert_near(class->recall, wanted[c].recall);
        assert_near(class->f1, wanted[c].f1);
        assert_int_equal(class->support, wanted[c].support);
        assert_int_equal(class->predicted, wanted[c].predicted);
    }
    assert_near(evaluation->precision, (4.0 / 6 + 2.0 / 4) / 3); // class 3 does not count
    assert_near(evaluation->recall, (4.0 / 5 + 2.0 / 3) / 3);
    assert_near(evaluation->f1, (8.0 / 11 + 4.0 / 7) / 3);
    fv_evaluation_free(evaluation);
}

// Guo et al., equation 3, bin by bin over all samples.
static void measures_calibration(void **state) {
    (void)state;
    fv_evaluation *evaluation = evaluate();
    double error = 0;
    for (int b = 0; b < FV_CALIBRATION_BINS; b++) {
        double low = (double)b / FV_CALIBRATION_BINS, high = (b + 1.0) / FV_CALIBRATION_BINS, right = 0, sure = 0;
        size_t count = 0;
        for (int s = 0; s < SAMPLES; s++) {
            double confidence = (double)probabilities[s][expected[s]];
            if (confidence > low && confidence <= high) {
                count++;
                right += expected[s] == labels[s];
                sure += confidence;
            }
        }
        assert_int_equal(evaluation->bins[b].samples, count);
        assert_near(evaluation->bins[b].accuracy, count ? right / (double)count : 0);
        assert_near(evaluation->bins[b].confidence, count ? sure / (double)count : 0);
        error += count ? (double)count / SAMPLES * fabs(right / (double)count - sure / (double)count) : 0;
    }
    assert_true(error > 0.05);
    assert_near(evaluation->calibration_error, error);
    fv_evaluation_free(evaluation);
}

// Certainty belongs to the last bin, and what is no number does not leave the array.
static void holds_at_the_ends(void **state) {
    (void)state;
    const float logits[3][2] = {{200, 0}, {NAN, NAN}, {0, 0}};
    const int32_t label[3] = {0, 0, 1};
    fv_evaluation *evaluation;
    fv_error error;
    assert_int_equal(fv__evaluation_create(2, 3, &evaluation, &error), FV_OK);
    fv__evaluation_add(evaluation, logits[0], label, 3);
    fv__evaluation_finish(evaluation);
    assert_int_equal(evaluation->bins[FV_CALIBRATION_BINS - 1].samples, 1);
    assert_int_equal(evaluation->bins[0].samples, 1);
    assert_int_equal(evaluation->bins[7].samples, 1); // (7/15, 8/15] holds a half
    fv_evaluation_free(evaluation);
}

static fv_status begin_and_free(fv_error *error) {
    fv_evaluation *evaluation;
    fv_status status = fv__evaluation_create(3, 5, &evaluation, error);
    fv_evaluation_free(evaluation);
    return status;
}

static void survives_allocation_failure(void **state) {
    (void)state;
    fv_error error;
    assert_survives_allocation_failure(begin_and_free(&error), error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_confusions),           cmocka_unit_test(rates_classes),
        cmocka_unit_test(measures_calibration),        cmocka_unit_test(holds_at_the_ends),
        cmocka_unit_test(survives_allocation_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
