/**
 * What a search for good settings stands on, without knowing what is trained: where to look
 * ({@link dev.flywheel.pipeline.search.Sobol}), how long to stay ({@link dev.flywheel.pipeline.search.Asha},
 * {@link dev.flywheel.pipeline.search.Hyperband}) and when to give up ({@link dev.flywheel.pipeline.search.Pruner}). Of
 * every value the greater is the better. The search over trainers is {@link dev.flywheel.pipeline.train.Search}.
 */
@NullMarked
package dev.flywheel.pipeline.search;

import org.jspecify.annotations.NullMarked;
