#pragma once

namespace mtmt {

/** @return false where this processor has no matrix tiles, and nothing is registered */
bool register_product();

}  // namespace mtmt
