const form = document.querySelector("#form");
const problem = document.querySelector("#problem");
const query = new URLSearchParams(location.search);
const code = query.get("code") ?? "";
const invited = query.has("invited");
history.replaceState(null, "", location.pathname);

if (invited) {
  document.querySelector("#title").textContent = "Welcome to Flotilla: choose a password";
  document.querySelector("#email").hidden = true;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  const fields = new FormData(form);
  const body = { code, password: fields.get("password"), ...(invited ? {} : { email: fields.get("email") }) };
  const headers = { "content-type": "application/json" };
  const response = await fetch("/api/v1/setup", { method: "POST", headers, body: JSON.stringify(body) });
  if (response.ok) location.replace("/");
  else problem.textContent = (await response.json()).detail;
});
