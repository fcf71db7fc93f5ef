const form = document.querySelector("#form");
const wait = document.querySelector("#wait");
const problem = document.querySelector("#problem");

async function signIn(body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch("/api/v1/session", { method: "POST", headers, body: JSON.stringify(body) });
  if (response.ok) {
    location.replace("/");
    return;
  }
  problem.textContent = (await response.json()).detail;
  wait.hidden = true;
  form.hidden = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  problem.textContent = "";
  const fields = new FormData(form);
  signIn({ email: fields.get("email"), password: fields.get("password") });
});

const code = new URLSearchParams(location.search).get("code");
// The code works once; it need not stay in the history of the browser all the same.
history.replaceState(null, "", location.pathname);
form.hidden = code !== null;
wait.hidden = code === null;
if (code !== null) signIn({ code });
