/**
 * What a search for good settings stands on, without knowing what is trained: where to look
 * ({@link dev.flywheel.pipeline.search.Sobol}) and how long to stay ({@link dev.flywheel.pipeline.search.Asha}). Of
 * every value the greater is the better. The search over trainers is {@link dev.flywheel.pipeline.train.Search}.
 */
@NullMarked
package dev.flywheel.pipeline.search;

import org.jspecify.annotations.NullMarked;
