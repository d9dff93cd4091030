/** Pages of prompts, answers and failures of a run: styles alone; they need no script. */

import "../styles/run-answers.css";
