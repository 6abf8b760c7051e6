// Tokens of the JSON on standard input in OpenAI's encoding o200k, which models of several makers come close to.
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";

let text = "";
for await (const part of process.stdin) text += part;
console.log(countTokens(text));
