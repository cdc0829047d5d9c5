// SPDX-License-Identifier: Apache-2.0
// `fovea data show SET|RECIPE --augment FILE`: what augmentation makes of a few training images.
#include <string.h>

#include "commands.h"
#include "data.h"
#include "support/json.h"
#include "support/recipe.h"
#include "support/say.h"
#include "support/text.h"

static int augment_recipe(const data_show_options *options, const char *name) {
    fv_error error;
    fv_recipe *recipe = NULL;
    int code = cli_recipe_open(name, &options->source, &recipe);
    if (code != CLI_OK) {
        return code;
    }
    if (!fv_recipe_get_info(recipe)->augmentations) {
        cli_say("%s has no augmentations: the images stay as they are", name);
    }
    if (fv_recipe_draw_augmentation(recipe, options->source.seed, options->augment, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    fv_recipe_free(recipe);
    return code;
}

// The list of `--set augment=[...]`, the only key that can be set for a data set.
static int find_list(const data_show_options *options, const char **list) {
    static const char key[] = "augment=";
    *list = NULL;
    for (int i = 0; i < options->source.sets.count; i++) {
        if (strncmp(options->source.sets.items[i], key, sizeof key - 1) != 0) {
            return cli_usage(&cli_data_show,
                             "--set %s: only augment can be set for a data set; name a recipe to set its other keys",
                             options->source.sets.items[i]);
        }
        *list = options->source.sets.items[i] + sizeof key - 1;
    }
    return CLI_OK;
}

static int augment_set(const data_show_options *options, const char *name) {
    fv_dataset *data;
    fv_error error;
    const char *list;
    CLI_TRY(find_list(options, &list));
    CLI_TRY(cli_data_open_squares(options, name, &data));
    const fv_status status = fv_dataset_draw_augmentation(data, list, options->source.seed, options->augment, &error);
    fv_dataset_free(data);
    if (!status) {
        return CLI_OK;
    }
    cli_fail(&error);
    return list && (status == FV_INVALID || status == FV_FORMAT) ? CLI_USAGE : CLI_FAILED; // a wrong --set
}

int cli_data_augment(const data_show_options *options, const char *name) {
    const size_t length = strlen(name);
    const bool recipe = cli_recipe_find(name) || (length > 5 && strcmp(name + length - 5, ".yaml") == 0);
    CLI_TRY(recipe ? augment_recipe(options, name) : augment_set(options, name));
    if (options->json) {
        return cli_json_print(json_pack("{s:o}", "picture", cli_json_text(options->augment)), true);
    }
    if (!options->source.quiet) {
        cli_line(stdout, "%s: in each row the image as it is, then as eight epochs of training would see it",
                 options->augment);
    }
    return CLI_OK;
}
